"""The base model's safety checker: its verdicts, computed once more from its own parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from transformers import CLIPImageProcessor

from spurbench_builders.checks.safety import safety_verdicts
from tests.builders.made import marked
from tests.builders.tiny_pipeline import make_pipeline

CPU = torch.device("cpu")
SIZES = ((40, 32), (64, 64), (32, 50))
IMAGES = [marked(40 * i + 10, SIZES[i % 3]) for i in range(6)]


def nearness(folder: Path) -> np.ndarray:
    """Cosines of every picture to every concept, (N, concepts)."""
    checker = StableDiffusionSafetyChecker.from_pretrained(folder / "safety_checker").eval()
    extractor = CLIPImageProcessor.from_pretrained(folder / "feature_extractor")
    rows = []
    with torch.inference_mode():
        for image in IMAGES:
            seen = extractor([image], return_tensors="pt").pixel_values
            state = checker.vision_model(seen)[1]
            rows.append(checker.visual_projection(state)[0].double().numpy())
    pictures, concepts = np.array(rows), checker.concept_embeds.detach().double().numpy()
    lengths = np.linalg.norm(pictures, axis=1)[:, None] * np.linalg.norm(concepts, axis=1)
    cosines: np.ndarray = pictures @ concepts.T / lengths
    return cosines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline whose checker flags some of the pictures: those nearest to its first concept."""
    folder = make_pipeline(tmp_path_factory.mktemp("base"))
    checker = StableDiffusionSafetyChecker.from_pretrained(folder / "safety_checker")
    generator = torch.Generator().manual_seed(3)
    concepts = torch.randn(checker.concept_embeds.shape, generator=generator)
    checker.concept_embeds.data = concepts
    checker.save_pretrained(folder / "safety_checker")
    near = np.sort(nearness(folder)[:, 0])
    checker.concept_embeds_weights.data[:] = 2.0  # a cosine that nothing reaches
    checker.special_care_embeds_weights.data[:] = 2.0
    checker.concept_embeds_weights.data[0] = float(near[3] + near[4]) / 2
    checker.save_pretrained(folder / "safety_checker")
    return folder


def test_a_picture_beyond_a_concepts_threshold_is_flagged_in_any_batch(folder: Path) -> None:
    checker = StableDiffusionSafetyChecker.from_pretrained(folder / "safety_checker")
    expected = [bool(c > checker.concept_embeds_weights[0]) for c in nearness(folder)[:, 0]]
    assert sum(expected) == 2 and expected != expected[::-1]
    before = [image.tobytes() for image in IMAGES]
    for batch in (16, 4, 1):
        assert safety_verdicts(folder, IMAGES, CPU, batch) == expected
    assert [image.tobytes() for image in IMAGES] == before, "recorded, and nothing is blanked"
    found = safety_verdicts(folder, IMAGES * 3, CPU)
    assert found == expected * 3 and all(type(flag) is bool for flag in found)


def test_so_many_pictures_go_through_at_a_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    straight = StableDiffusionSafetyChecker.forward

    def counting(self: object, clip_input: torch.Tensor, images: list[np.ndarray]) -> object:
        seen.append(len(clip_input))
        assert torch.is_inference_mode_enabled() and not self.training  # type: ignore[attr-defined]
        return straight(self, clip_input, images)

    monkeypatch.setattr(StableDiffusionSafetyChecker, "forward", counting)
    safety_verdicts(folder, [Image.new("RGB", (32, 32))] * 19, CPU)
    assert seen == [16, 3]


def test_where_there_is_no_checker_there_is_no_verdict(tmp_path: Path) -> None:
    assert safety_verdicts(tmp_path, IMAGES, CPU) is None
    (tmp_path / "safety_checker").mkdir()
    assert safety_verdicts(tmp_path, IMAGES, CPU) is None
