"""Families and pre-training data, as the names of real models tell them."""

from __future__ import annotations

import pytest

from spurbench.results import ModelRecord
from spurbench_leaderboard.site.traits import family, pretraining


def record(spec: str, architecture: str) -> ModelRecord:
    return ModelRecord(
        spec=spec, architecture=architecture, parameters=1, weights_sha256="0" * 64,
        weights_source="hub", options={}, label_space="imagenet-1k", transform={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "architecture", "kin", "seen"),
    [
        ("timm/vit_base_patch16_224.augreg_in21k", "vit_base_patch16_224", "vit", "ImageNet-21k"),
        ("timm/resnet50.a1_in1k", "resnet50", "resnet", "ImageNet-1k"),
        ("timm/convnext_base.fb_in22k_ft_in1k", "convnext_base", "convnext", "ImageNet-22k"),
        ("timm/convnext_base.clip_laion2b_augreg_ft_in12k_in1k", "convnext_base", "convnext", "ImageNet-12k"),
        ("timm/vit_base_patch16_clip_224.openai_ft_in1k", "vit_base_patch16_clip_224", "vit", "OpenAI's CLIP pictures"),
        ("torchvision/vit_h_14:IMAGENET1K_SWAG_E2E_V1", "vit_h_14", "vit", "Instagram"),
        ("micro/resnet_v1", "timm resnet", "resnet", "not said"),
        ("timm/x.swag", "", "not said", "Instagram"),
        ("python/mine.py:skin1k", "123", "not said", "not said"),
    ],
)  # fmt: skip
def test_names(spec: str, architecture: str, kin: str, seen: str) -> None:
    model = record(spec, architecture)
    assert (family(model), pretraining(model)) == (kin, seen)
