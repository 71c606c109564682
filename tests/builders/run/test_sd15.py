"""The whole `sd15` path offline, on a random pipeline of Stable Diffusion's own classes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from datasets import load_dataset
from PIL import Image
from safetensors.torch import save_file

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.checks import safety
from spurbench_builders.inputs.importing import import_folder
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.models.base import check_base_model, load_base_model
from spurbench_builders.models.where import base_model_folder
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.run.build import build
from tests.builders.tiny_pipeline import make_pipeline
from tests.conftest import picture

HUMMINGBIRD = next(c for c in plugins.domain("imagenet").cards() if c.name == "hummingbird")


def own_panel(folder: Path) -> list[dict[str, str]]:
    """Four small ImageNet networks with random weights in files."""
    members = []
    for seed in range(4):
        torch.manual_seed(seed)
        path = folder / f"{seed}.safetensors"
        save_file(timm.create_model("lcnet_035").state_dict(), path)
        members.append({"spec": "timm/lcnet_035", "weights": str(path)})
    return members


def offline(folder: Path, prediction: str, **changes: Any) -> Recipe:
    """`sd15` with what is on this disk in place of what is on the hub."""
    panel = own_panel(folder)
    return derived(
        load_recipe("sd15"),
        {
            "name": "offline",
            "base": str(make_pipeline(folder / prediction, prediction)),
            "base_revision": None,
            "panel": panel,
            "prior": {"images": 2},
            "training": {"steps": 3, "learning_rate": 1e-4},
            "similarity": {"robust": panel[2], "decode_size": 32},
            "sampling": {"steps": 3, "batch": 2},
            **changes,
        },
        "offline",
    )


@pytest.fixture
def own_references(tmp_path: Path) -> Path:
    folder = tmp_path / "references"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes(png_bytes(picture(i, (70, 90))))
    return folder


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_class_from_references_to_splits(
    prediction: str, tmp_path: Path, own_references: Path
) -> None:
    out = tmp_path / "made"
    recipe = offline(tmp_path, prediction)
    list(build(BuildRequest(recipe, (HUMMINGBIRD,), 3, 0, out, own_references)))
    data = load_dataset(str(out), "hummingbird")
    assert {k: len(v) for k, v in data.items()} == {"si": 3, "generated": 3}
    for row in data["generated"]:
        assert row["prompt"] == "a photo of a sks flower" and row["label"] == 94
        assert row["object_probability"] is None and row["image"].size == (64, 64)
        assert row["safety_flagged"] in (True, False)


def test_what_the_safety_checker_flags_is_marked_and_not_blanked(
    tmp_path: Path, own_references: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real checker, its concept thresholds lowered until it flags everything."""
    original = safety._load

    def wary(folder: Path) -> Any:
        checker, extractor = original(folder)
        checker.concept_embeds_weights.data.fill_(-2.0)
        return checker, extractor

    monkeypatch.setattr(safety, "_load", wary)
    out = tmp_path / "made"
    recipe = offline(tmp_path, "epsilon")
    list(build(BuildRequest(recipe, (HUMMINGBIRD,), 2, 0, out, own_references)))
    for row in load_dataset(str(out), "hummingbird", split="generated"):
        assert row["safety_flagged"] is True and row["degenerate"] is False
        assert row["image"].getextrema() != ((0, 0),) * 3


def test_spurious_imagenet_as_imported_goes_through_the_panel(tmp_path: Path) -> None:
    folder = tmp_path / "si" / "spurious_class_94_component_1"
    folder.mkdir(parents=True)
    for i in range(3):
        Image.new("RGB", (40, 40), (200, 10 * i, 0)).save(folder / f"{i}.png")
    data = tmp_path / "imported"
    list(import_folder(tmp_path / "si", data))
    recipe = offline(tmp_path, "epsilon", references={"count": 2})
    request = BuildRequest(recipe, (HUMMINGBIRD,), 2, 0, tmp_path / "made", data)
    with pytest.raises(UserError, match=r"only \d of 3 references fool the whole panel"):
        list(build(request))


def test_clips_real_vocabulary(real_data: Path, tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    model = load_base_model(make_pipeline(tmp_path / "pipeline", safety=False))
    model.tokenizer = CLIPTokenizer.from_pretrained(real_data / "clip_tokenizer")
    assert model.tokens(["a photo of a dog"])[0, :7].tolist() == [
        *(49406, 320, 1125, 539, 320, 1929),
        49407,
    ]
    assert model.tokens([""]).shape == (1, 77)
    assert len(model.word_tokens(load_recipe("sd15").prompt.identifier)) == 1


def test_bases_that_cannot_be_had(tmp_path: Path) -> None:
    domain = plugins.domain("imagenet")
    with pytest.raises(UserError, match="pin the hub's revision with base_revision"):
        base_model_folder("owner/name", None, domain)
    with pytest.raises(UserError, match=r"owner/name@00000000: cannot be had from the hub"):
        base_model_folder("owner/name", "0" * 40, domain)
    with pytest.raises(UserError, match="nor a hub id OWNER/NAME"):
        base_model_folder(str(tmp_path), None, domain)
    folder = make_pipeline(tmp_path / "pipeline", "sample", safety=False)
    from spurbench_builders.method.schedule import schedule_of

    with pytest.raises(UserError, match="prediction_type is 'sample'"):
        schedule_of(load_base_model(folder).scheduler_config)


def test_a_base_model_that_lacks_something_is_refused_before_any_work(tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "pipeline")
    check_base_model(folder)
    (folder / "feature_extractor" / "preprocessor_config.json").unlink()
    with pytest.raises(UserError, match="has no folder feature_extractor"):
        check_base_model(folder)
    shutil.rmtree(folder / "safety_checker")
    check_base_model(folder)
    scheduler = folder / "scheduler" / "scheduler_config.json"
    scheduler.rename(scheduler.with_name("other.json"))
    with pytest.raises(UserError, match=r"scheduler_config\.json: cannot be read"):
        check_base_model(folder)
    scheduler.write_text("{torn")
    with pytest.raises(UserError, match=r"scheduler_config\.json: not JSON"):
        check_base_model(folder)
