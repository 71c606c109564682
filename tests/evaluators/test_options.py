"""Options of `spurbench eval`: what each changes, seen from outside, through the command itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import timm
import torch
from safetensors.torch import save_file

from spurbench import plugins
from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import sha256_bytes, sha256_file
from spurbench.pictures import png_bytes
from tests.conftest import make_class, picture
from tests.evaluators.data.layouts import HUMMINGBIRD, KOALA, torchvision_layout
from tests.evaluators.test_cli import call

Result = dict[str, Any]
Score = Callable[..., Result]


@pytest.fixture
def score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Score:
    """Runs the command on two classes with further words, and gives its one result."""
    for label, name in ((3, "gondola"), (5, "koala")):
        make_class(tmp_path / "data", tmp_path / "aside", name, label, count=4, seed=10 * label)

    def run(*words: object, data: str = "data", model: str = "micro/vit") -> Result:
        place = ("--data", tmp_path / data, "--results", tmp_path / "r")
        assert call(monkeypatch, "eval", "--model", model, *place, *words, "--json") == 0
        (result,) = json.loads(capsys.readouterr().out)["results"]
        found: Result = result
        return found

    return run


def splits(result: Result) -> set[tuple[str, str, int]]:
    return {(s["slug"], s["split"], s["n"]) for s in result["scores"]}


def shares(result: Result) -> dict[str, float]:
    """Spurious accuracy of the split si, by class."""
    found = [s for s in result["scores"] if s["split"] == "si"]
    return {s["slug"]: s["top1"]["value"] for s in found}


def predictions(tmp_path: Path) -> list[Any]:
    return [pq.read_table(path) for path in sorted((tmp_path / "r").rglob("*.parquet"))]


def test_model_decides_who_is_scored(score: Score) -> None:
    for model in ("micro/vit", "micro/resnet_v1"):  # what --model is given
        assert score(model=model)["model"]["spec"] == model


def test_data_and_results_are_places(score: Score, tmp_path: Path) -> None:
    """--data is what is read, --results where everything goes."""
    make_class(tmp_path / "other", tmp_path / "aside", "flagpole", 4, count=2)
    assert {slug for slug, _, _ in splits(score())} == {"gondola", "koala"}
    assert {slug for slug, _, _ in splits(score(data="other"))} == {"flagpole"}
    assert len(list((tmp_path / "r").rglob("*.json"))) == 2


def test_classes_splits_and_limit_choose_pictures(score: Score) -> None:
    whole = {(c, s, 4) for c in ("gondola", "koala") for s in ("generated", "si", "val")}
    assert splits(score()) == whole
    assert splits(score("--classes", "koala")) == {row for row in whole if row[0] == "koala"}
    assert splits(score("--splits", "si,val")) == {row for row in whole if row[1] != "generated"}
    assert splits(score("--limit", 3)) == {(c, s, 3) for c, s, _ in whole}


def test_weights_replace_the_shipped_ones(score: Score, tmp_path: Path) -> None:
    shipped: Any = plugins.classifier("micro/vit")
    state = {name: value.clone() for name, value in shipped.network.state_dict().items()}
    (bias,) = (name for name in state if name.endswith("head.bias"))
    state[bias][5] += 1000  # koala, whatever it sees
    save_file(state, tmp_path / "own.safetensors")
    before, after = score(), score("--weights", tmp_path / "own.safetensors")
    assert after["model"]["weights_sha256"] == sha256_file(tmp_path / "own.safetensors")
    assert before["model"]["weights_sha256"] != after["model"]["weights_sha256"]
    assert shares(after) == {"gondola": 0, "koala": 1}


def test_framing_changes_what_the_network_sees(score: Score, tmp_path: Path) -> None:
    own, squashed = score(), score("--framing", "squash")
    framings = [result["model"]["transform"]["framing"] for result in (own, squashed)]
    assert framings == ["crop", "squash"]


def test_dtype_moves_the_last_digits(score: Score, tmp_path: Path) -> None:
    narrow, wide = score("--dtype", "bfloat16"), score("--dtype", "float64")
    assert [r["environment"]["dtype"] for r in (narrow, wide)] == ["bfloat16", "float64"]
    one, other = (table["probability"].to_numpy() for table in predictions(tmp_path))
    assert one.shape == other.shape and (one != other).any()


def test_keep_logits_keeps_them(score: Score, tmp_path: Path) -> None:
    score()
    (without,) = predictions(tmp_path)
    assert set(without["logits"].to_pylist()) == {None}
    score("--keep-logits", "--fresh")
    (table,) = predictions(tmp_path)
    assert {len(row) for row in table["logits"].to_pylist()} == {12}


def test_batch_size_workers_and_device_are_told_and_kept_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.evaluators import fakes

    make_class(tmp_path / "data", tmp_path / "aside", count=4)
    shown: list[int] = []
    real = fakes.Fake.logits

    def noted(self: fakes.Fake, images: torch.Tensor) -> torch.Tensor:
        shown.append(len(images))
        return real(self, images)

    monkeypatch.setattr(fakes.Fake, "logits", noted)
    words = ("eval", "--model", "python/tests.evaluators.fakes:slow", "--data", tmp_path / "data")
    more = ("--results", tmp_path / "r", "--batch-size", 5, "--workers", 3, "--device", "cpu")
    assert call(monkeypatch, *words, *more) == 0
    assert "cpu, float32, 5 pictures a batch, 3 reading threads" in capsys.readouterr().err
    assert shown[-3:] == [5, 5, 2]
    assert call(monkeypatch, *words, "--results", tmp_path / "s", "--device", "cuda:9") == 2
    assert "cuda:9" in capsys.readouterr().err


def test_skip_unreadable_leaves_out_and_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [png_bytes(picture(0)), b"no picture", png_bytes(picture(2))]
    rows = [
        Row(data, 5, "koala", "si", i, f"{i}.png", sha256_bytes(data))
        for i, data in enumerate(files)
    ]
    write_split(rows, tmp_path / "si.parquet")
    entries = {"si": split_entry("koala", "si", tmp_path / "si.parquet", 3)}
    entry = ClassEntry(name="koala", label=5, feature="", splits=entries, provenance={})
    install_class(
        tmp_path / "data", "made", "micro", "koala", entry, {"si": tmp_path / "si.parquet"}
    )
    words = ("eval", "--model", "micro/vit", "--data", tmp_path / "data", "--results", tmp_path)
    assert call(monkeypatch, *words) == 2
    assert "koala/si/1 (1.png)" in capsys.readouterr().err
    assert call(monkeypatch, *words, "--skip-unreadable", "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert splits(result) == {("koala", "si", 2)}
    assert [gone["origin"] for gone in result["data"]["unreadable"]] == ["1.png"]


def test_fresh_scores_again(
    score: Score,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    score()
    words = ("eval", "--model", "micro/vit", "--data", tmp_path / "data", "--json")
    for more, stored in ([], True), (["--fresh"], False), ([], True):
        assert call(monkeypatch, *words, "--results", tmp_path / "r", *more) == 0
        assert json.loads(capsys.readouterr().out)["stored"] == [stored]


def two_imagenet_classes(tmp_path: Path) -> Path:
    for name, label in (("hummingbird", HUMMINGBIRD), ("koala", KOALA)):
        make_class(
            tmp_path / "data", tmp_path / "aside", name, label, splits=("si",), domain="imagenet"
        )
    return tmp_path / "data"


def test_val_adds_validation_pictures(score: Score, tmp_path: Path) -> None:
    model, data = "timm/lcnet_035", two_imagenet_classes(tmp_path / "imagenet")
    torch.manual_seed(0)
    save_file(timm.create_model("lcnet_035").state_dict(), tmp_path / "w.safetensors")
    words = ("--weights", tmp_path / "w.safetensors")
    without = splits(score(*words, data=str(data), model=model))
    where = torchvision_layout(tmp_path / "val")
    more = splits(score(*words, "--val", where, data=str(data), model=model))
    assert more - without == {("hummingbird", "val", 4), ("koala", "val", 4)} and without < more


def test_label_space_says_what_outputs_mean(score: Score, tmp_path: Path) -> None:
    """A head that always answers with its first of three outputs."""
    data = two_imagenet_classes(tmp_path / "imagenet")
    state = timm.create_model("lcnet_035", num_classes=3).state_dict()
    state["classifier.bias"] += torch.tensor([1000.0, 0, 0])
    save_file(state, tmp_path / "w.safetensors")
    for first, second in (("koala", "hummingbird"), ("hummingbird", "koala")):
        (tmp_path / "labels.txt").write_text(f"{first}\n{second}\n-\n")
        words = ("--weights", tmp_path / "w.safetensors", "--label-space", tmp_path / "labels.txt")
        assert shares(score(*words, data=str(data), model="timm/lcnet_035")) == {
            first: 1,
            second: 0,
        }


def test_list_models_of_a_loader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for loader in ("micro", "torchvision"):
        assert call(monkeypatch, "list", "models", "--loader", loader) == 0
        lines = capsys.readouterr().out.split()
        assert lines and all(line.startswith(f"{loader}/") for line in lines)
