"""Specs and checkpoints: strict, safe, and clear about what is wrong."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from spurbench import plugins
from spurbench.errors import UserError
from spurbench_evaluators.loaders.micro import weights_folder
from spurbench_evaluators.network.weights import load_strictly, read_state
from tests.conftest import make_class


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch hacked",)


def test_a_hostile_pickle_is_refused_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pt"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(UserError, match="cannot|safely"):
        read_state(path)
    raw = tmp_path / "raw.pkl"
    raw.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError, match="safely"):
        read_state(raw)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("data", [b"hello", b"R", b"a\n", b"\x80\x02.", b""])
def test_files_that_are_no_checkpoint(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"w\.pt: not a checkpoint"):
        read_state(path)


def test_misfits_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"weight": torch.zeros(3, 2), "extra": torch.zeros(1)}, path)
    with pytest.raises(UserError, match=r"1 missing \(bias\); 1 unexpected \(extra\)"):
        load_strictly(torch.nn.Linear(2, 3), path)
    save_file({"weight": torch.zeros(4, 2), "bias": torch.zeros(3)}, path)
    with pytest.raises(UserError, match=r"1 of another shape \(weight\)"):
        load_strictly(torch.nn.Linear(2, 3), path)


def test_wrapped_state_dicts_load(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 3)
    torch.save({"state_dict": network.state_dict(), "epoch": 3}, tmp_path / "w.pt")
    other = torch.nn.Linear(2, 3)
    load_strictly(other, tmp_path / "w.pt")
    assert torch.equal(other.weight, network.weight)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            "resnet50",
            "is not LOADER/NAME; loaders: hf, micro, onnx, python, robustbench, timm, torchvision",
        ),
        ("tim/resnet50", "unknown loader 'tim'; did you mean 'timm'"),
        ("micro/resnet_v3", "did you mean 'resnet_v"),
        ("timm/resnet5000", "unknown timm model 'resnet5000'; did you mean"),
        ("python/nothing", "is not python/MODULE:CALLABLE"),
        ("python/:f", "is not python/MODULE:CALLABLE"),
        ("python/.x:f", "is not python/MODULE:CALLABLE"),
        ("python/no_such_module_x:f", "no module 'no_such_module_x'"),
        ("python/json:nothing", "json has no 'nothing'"),
    ],
)
def test_bad_specs(spec: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        plugins.classifier(spec)


def test_missing_and_foreign_weights(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such weights file"):
        plugins.classifier("micro/vit", weights=tmp_path / "none.safetensors")
    path = tmp_path / "w.safetensors"
    save_file({"weight": torch.zeros(3, 2)}, path)
    with pytest.raises(UserError, match="does not fit the architecture"):
        plugins.classifier("micro/vit", weights=path)
    path.write_bytes(b"\0" * 64)
    with pytest.raises(UserError, match="not a checkpoint that can be loaded safely"):
        plugins.classifier("micro/vit", weights=path)


HOSTILE = {
    "pickle": ("micro/vit", "not a checkpoint that can be loaded safely"),
    "foreign": ("micro/vit", "does not fit the architecture"),
    "nan": ("micro/vit", "gives NaN or infinite logits"),
    "typo": ("micro/vitt", "unknown micro model 'vitt'; did you mean 'vit'?"),
    "option": ("torchvision/vitt", "unknown torchvision model 'vitt'; did you mean"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_models_end_in_one_line_and_no_result(tmp_path: Path, case: str) -> None:
    spec, said = HOSTILE[case]
    weights = tmp_path / "w.safetensors"
    if case == "pickle":
        weights = tmp_path / "evil.pt"
        torch.save({"state_dict": Evil()}, weights)
    elif case == "foreign":
        save_file({"weight": torch.zeros(3, 2)}, weights)
    else:
        state = read_state(weights_folder() / "vit" / "model.safetensors")
        save_file({k: torch.full_like(v, float("nan")) for k, v in state.items()}, weights)
    make_class(tmp_path / "data", tmp_path / "aside")
    words = ("--data", "data", "--results", "results", "--weights", str(weights))
    done = subprocess.run(
        [sys.executable, "-m", "spurbench", "eval", "--model", spec, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    loading, *lines = done.stderr.strip().splitlines()
    assert loading == "spurbench eval: loading torch ..."
    assert len(lines) == 1 and lines[0].startswith("spurbench: ") and said in lines[0]
    assert not (tmp_path / "results").exists() and not (tmp_path / "hacked").exists()


def test_options_that_a_loader_does_not_take() -> None:
    with pytest.raises(UserError, match="models of the loader 'micro' take no --label-space"):
        plugins.classifier("micro/vit", label_space="imagenet-1k")


def test_timm_heads_follow_the_checkpoint(tmp_path: Path) -> None:
    import timm

    def saved(outputs: int) -> Path:
        state = timm.create_model("mobilenetv3_small_050", num_classes=outputs).state_dict()
        save_file(state, tmp_path / f"{outputs}.safetensors")
        return tmp_path / f"{outputs}.safetensors"

    spec = "timm/mobilenetv3_small_050"
    assert plugins.classifier(spec, weights=saved(1000)).label_space.name == "imagenet-1k"
    wide = plugins.classifier(spec, weights=saved(11821))
    assert wide.label_space.name == "imagenet-12k"
    assert wide.facts.options["card"] == "timm/mobilenetv3_small_050.lamb_in1k"
    labels = tmp_path / "labels.txt"
    labels.write_text("koala\nhummingbird\n", encoding="utf-8")
    mapped = plugins.classifier(spec, weights=saved(2), label_space=labels)
    assert mapped.label_space.labels == (105, 94)
    with pytest.raises(UserError, match=r"labels\.txt has 2 outputs, but .* has 1000"):
        plugins.classifier(spec, weights=tmp_path / "1000.safetensors", label_space=labels)
    with pytest.raises(UserError, match=r"its head of 2 outputs fits no known label space"):
        plugins.classifier(spec, weights=tmp_path / "2.safetensors")


def test_timm_without_a_hub_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    def offline(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no hub")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(UserError, match="--weights FILE"):
        plugins.classifier("timm/resnet18")
