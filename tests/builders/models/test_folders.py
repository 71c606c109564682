"""From a folder or the hub to a base model: which one, what is refused, how it is loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.files import sha256_file, sha256_json
from spurbench_builders.method.schedule import schedule_of
from spurbench_builders.models.base import (
    check_base_model,
    folder_fingerprint,
    load_base_model,
)
from spurbench_builders.models.where import base_model_folder
from tests.builders.tiny_pipeline import make_pipeline

MICRO, IMAGENET = plugins.domain("micro"), plugins.domain("imagenet")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("made"))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "pipeline"))


def edit(path: Path, **changes: Any) -> None:
    settings = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))


def message(error: pytest.ExceptionInfo[UserError]) -> str:
    return str(error.value)


def test_what_is_loaded_is_float32_frozen_and_in_evaluation(folder: Path) -> None:
    """Whatever the files hold: half floats here."""
    for part in ("unet", "vae", "text_encoder"):
        (path,) = (folder / part).glob("*.safetensors")
        halves = {k: v.half() for k, v in load_file(path).items()}
        save_file(halves, path, {"format": "pt"})
    edit(folder / "text_encoder" / "config.json", dtype="float16", torch_dtype="float16")
    model = load_base_model(folder)
    for module in (model.unet, model.vae, model.text_encoder):
        parameters = list(module.parameters())
        assert {p.dtype for p in parameters} == {torch.float32}
        assert not any(p.requires_grad for p in parameters) and not module.training
    (path,) = (folder / "unet").glob("*.safetensors")
    name, value = next(iter(load_file(path).items()))
    assert torch.equal(model.unet.state_dict()[name], value.float())


def test_the_schedulers_settings_are_the_folders_own(folder: Path) -> None:
    path = folder / "scheduler" / "scheduler_config.json"
    edit(path, beta_start=0.002, beta_schedule="linear", num_train_timesteps=400)
    settings = load_base_model(folder).scheduler_config
    assert settings["beta_start"] == 0.002 and settings["prediction_type"] == "epsilon"
    betas = torch.linspace(0.002, 0.012, 400, dtype=torch.float64)
    abar = torch.cumprod(1 - betas, 0).float()
    torch.testing.assert_close(schedule_of(settings).abar, abar, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("said", "meant"), [(None, True), (False, False), (True, True)])
def test_warm_up_steps_are_skipped_unless_the_folder_says_otherwise(
    folder: Path, said: bool | None, meant: bool
) -> None:
    edit(folder / "scheduler" / "scheduler_config.json", skip_prk_steps=said)
    assert load_base_model(folder).scheduler_config["skip_prk_steps"] is meant


def test_pickled_weights_are_not_read(folder: Path) -> None:
    (path,) = (folder / "unet").glob("*.safetensors")
    torch.save(load_file(path), path.with_suffix(".bin"))
    path.unlink()
    with pytest.raises(UserError, match=r"^base model .*pipeline: cannot be loaded .{1,200}$"):
        load_base_model(folder)


def test_a_broken_part_is_one_line_with_the_folder(folder: Path) -> None:
    (folder / "vae" / "config.json").write_text("{torn")
    with pytest.raises(UserError) as error:
        load_base_model(folder)
    assert message(error).startswith(f"base model {folder}: cannot be loaded (")
    assert "\n" not in message(error)


@pytest.mark.parametrize(
    "part",
    ["unet", "vae", "text_encoder", "tokenizer", "scheduler", "feature_extractor"],
)
def test_a_part_without_settings_is_named(folder: Path, part: str) -> None:
    assert check_base_model(folder)["beta_end"] == 0.012
    for path in (folder / part).glob("*.json"):
        path.unlink()
    with pytest.raises(UserError) as error:
        check_base_model(folder)
    assert message(error) == f"base model {folder}: has no folder {part} with settings in it"


def test_a_model_without_a_safety_checker_needs_none(folder: Path) -> None:
    shutil.rmtree(folder / "safety_checker")
    shutil.rmtree(folder / "feature_extractor")
    check_base_model(folder)


def test_what_cannot_be_used_is_refused_with_the_way_out(folder: Path) -> None:
    edit(folder / "scheduler" / "scheduler_config.json", rescale_betas_zero_snr=True)
    with pytest.raises(UserError) as error:
        check_base_model(folder)
    assert message(error) == f"base model {folder}: rescale_betas_zero_snr is not supported"
    (folder / "scheduler" / "scheduler_config.json").write_bytes(b"\xff{}")
    with pytest.raises(UserError) as error:
        check_base_model(folder)
    place = folder / "scheduler" / "scheduler_config.json"
    assert message(error).startswith(f"{place}: not text in UTF-8 ")
    (path,) = (folder / "safety_checker").glob("*.safetensors")
    path.rename(path.with_suffix(".bin"))
    with pytest.raises(UserError) as error:
        check_base_model(folder)
    assert message(error) == (
        f"base model {folder}: its safety_checker is not stored as safetensors; "
        "convert or remove it"
    )


def test_a_fingerprint_covers_names_and_bytes_of_the_parts_alone(folder: Path) -> None:
    parts = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"]
    parts += ["safety_checker", "feature_extractor"]
    files = sorted(p for part in parts for p in (folder / part).rglob("*") if p.is_file())
    assert len({p.parent for p in files}) == 7
    by_hand = {str(p.relative_to(folder)): sha256_file(p) for p in files}
    before = folder_fingerprint(folder)
    assert before == sha256_json(by_hand)
    (folder / "README.md").write_text("of no weight")
    assert folder_fingerprint(folder) == before
    extractor = folder / "feature_extractor" / "preprocessor_config.json"
    extractor.write_text(extractor.read_text() + " ")
    changed = folder_fingerprint(folder)
    assert changed != before
    (folder / "vae" / "deep").mkdir()
    (folder / "vae" / "config.json").rename(folder / "vae" / "deep" / "config.json")
    assert folder_fingerprint(folder) not in (before, changed)


def test_what_ships_with_the_domain_comes_first_then_folders(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = MICRO.base_model("micro")
    assert shipped is not None and base_model_folder("micro", None, MICRO) == shipped
    monkeypatch.chdir(folder.parent)
    (folder.parent / "micro").mkdir()
    (folder.parent / "micro" / "model_index.json").write_text("{}")
    assert base_model_folder("micro", None, MICRO) == shipped
    assert base_model_folder("micro", None, IMAGENET) == Path("micro")
    assert base_model_folder(str(folder), "0" * 40, MICRO) == folder
    monkeypatch.setenv("HOME", str(folder.parent))
    assert base_model_folder("~/pipeline", None, IMAGENET) == folder


@pytest.mark.parametrize("base", ["nowhere", "./owner/name", "./name", "~/name", "a/b/c"])
def test_what_is_no_hub_id_is_not_asked_of_the_hub(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError) as error:
        base_model_folder(base, "0" * 40, IMAGENET)
    assert message(error) == (
        f"base model {base!r}: neither ships with domain 'imagenet', nor is a folder in "
        "diffusers' pipeline format (no model_index.json), nor a hub id OWNER/NAME"
    )


def test_a_folder_that_looks_like_a_hub_id_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    with pytest.raises(UserError, match="nor is a folder in diffusers' pipeline format"):
        base_model_folder("owner/name", "0" * 40, IMAGENET)


def test_the_hub_is_asked_for_the_pinned_revisions_safetensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as error:
        base_model_folder("owner/name", None, IMAGENET)
    assert message(error) == (
        "base model 'owner/name': pin the hub's revision with base_revision (a commit's 40 digits)"
    )
    asked: list[tuple[Any, ...]] = []

    def download(repo: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append((repo, revision, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert base_model_folder("owner/name", "ab" * 20, IMAGENET) == tmp_path
    ((repo, revision, patterns),) = asked
    assert (repo, revision) == ("owner/name", "ab" * 20)
    parts = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"]
    parts += ["safety_checker", "feature_extractor"]
    assert set(patterns) == {
        "model_index.json",
        *(f"{part}/*.json" for part in parts),
        "tokenizer/*.txt",
        "*/model.safetensors",
        "*/diffusion_pytorch_model.safetensors",
    }


def test_a_hub_that_fails_is_named_with_the_way_out() -> None:
    with pytest.raises(UserError) as error:
        base_model_folder("owner/name", "ab" * 20, IMAGENET)
    said = message(error)
    assert said.startswith("base model owner/name@abababab: cannot be had from the hub")
    assert said.endswith("give a local folder as `base` in a recipe that extends this one")
