"""The commands as users call them: one JSON object, one clear line for what cannot be scored."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from spurbench import cli
from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import sha256_bytes
from tests.conftest import make_class
from tests.core.dataset.made import emptied
from tests.evaluators.loaders.test_loading import Evil

FAKE = "python/tests.evaluators.fakes:slow"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5, count=4)
    return tmp_path / "data"


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Exit code of a command in this process, whose app mounts the plug-ins' commands anew."""
    own = [command for command in cli.app.registered_commands if command.name == "list"]
    monkeypatch.setattr(cli.app, "registered_commands", own)
    monkeypatch.setattr(cli.app, "registered_groups", [])
    monkeypatch.setattr(sys, "argv", ["spurbench", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_one_json_object_and_stored_answers(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("eval", "--model", FAKE, "--data", folder, "--results", tmp_path / "r")
    assert call(monkeypatch, *words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stored"] == [False] and found["comparison"] is None
    assert call(monkeypatch, *words) == 0
    shown = capsys.readouterr()
    assert "stored before, nothing changed; --fresh scores again" in " ".join(shown.out.split())
    assert "cpu, float32, 16 pictures a batch" in shown.err
    (predictions,) = (tmp_path / "r").rglob("*.parquet")
    assert call(monkeypatch, "score", predictions, "--json") == 0
    assert json.loads(capsys.readouterr().out) == found["results"][0]
    (result,) = (tmp_path / "r").rglob("*.json")
    assert json.loads(result.read_text()) == found["results"][0]
    assert call(monkeypatch, "score", predictions, "--results", tmp_path / "again") == 0
    assert "result:" in capsys.readouterr().out
    (again,) = (tmp_path / "again").rglob("*.json")
    assert again.read_bytes() == result.read_bytes()


def test_several_models_are_compared(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_class(folder, tmp_path / "aside", "gondola", 3, count=4, seed=50)
    models = ("--model", FAKE, "--model", "micro/resnet_v1")
    words = ("eval", *models, "--data", folder, "--results", tmp_path / "r", "--splits", "si")
    assert call(monkeypatch, *words, "--json", "--limit", 2) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["comparison"]["models"] == ["fake/5", "micro/resnet_v1"]
    assert found["comparison"]["consistency"][0]["pictures"] == 4
    files = sorted((tmp_path / "r").rglob("*.parquet"))
    assert call(monkeypatch, "compare", *files, "--json") == 0
    assert json.loads(capsys.readouterr().out) == found["comparison"]
    assert call(monkeypatch, "compare", *files) == 0
    assert "2 models on the same pictures" in capsys.readouterr().out


def bomb(folder: Path, aside: Path) -> None:
    """A data set whose only picture has 400 million pixels in a few kilobytes."""
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    data = buffer.getvalue()
    aside.mkdir(exist_ok=True)
    rows = [Row(data, 5, "koala", "si", 0, "bomb.png", sha256_bytes(data))]
    write_split(rows, aside / "bomb.parquet")
    entries = {"si": split_entry("koala", "si", aside / "bomb.parquet")}
    entry = ClassEntry(name="koala", label=5, feature="", splits=entries, provenance={})
    install_class(folder, "made", "micro", "koala", entry, {"si": [aside / "bomb.parquet"]})


HOSTILE = {
    "a model that gives NaN": ("NaN or infinite", ["--model", "python/tests.evaluators.fakes:nan"]),
    "a head of the wrong size": (
        "gives (7,) outputs, but its label space micro has 12",
        ["--model", "python/tests.evaluators.fakes:headless"],
    ),
    "a picture bomb": ("koala/si/0 (bomb.png): too many pixels", ["--model", FAKE]),
    "an empty split": ("holds no pictures", ["--model", FAKE]),
    "a spec with a typo": ("did you mean 'resnet_v", ["--model", "micro/resnet_v3"]),
    "a hostile pickle": ("loaded safely", ["--model", "micro/vit", "--weights", "evil.pt"]),
    "another architecture's weights": (
        "does not fit the architecture",
        ["--model", "micro/vit", "--weights", "other.pt"],
    ),
    "a framing that is none": ("unknown framing", ["--model", FAKE, "--framing", "sii"]),
    "a device that is not there": (
        "this machine has none",
        ["--model", FAKE, "--device", "cuda:9"],
    ),
    "a dtype without a network": (
        "brings no torch network",
        ["--model", FAKE, "--dtype", "float64"],
    ),
    "an unknown class": ("did you mean 'koala'", ["--model", FAKE, "--classes", "koalla"]),
    "no such split": ("unknown split", ["--model", FAKE, "--splits", "test"]),
    "validation of another domain": ("--val is for", ["--model", FAKE, "--val", "."]),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_cannot_be_scored_ends_in_one_line(
    what: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Evil()}, tmp_path / "evil.pt")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pt")
    if what == "a picture bomb":
        bomb(folder, tmp_path / "aside")
    if what == "an empty split":
        emptied(folder, "koala", "si", "generated", "val")
    said, words = HOSTILE[what]
    code = call(monkeypatch, "eval", "--data", folder, "--results", tmp_path / "r", *words)
    shown = capsys.readouterr()
    assert code == 2 and shown.out == ""
    lines = [line for line in shown.err.splitlines() if "pictures a batch" not in line]
    lines = [line for line in lines if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("spurbench: ") and said in lines[0]
    assert not list(tmp_path.glob("r/**/*"))
    assert not (tmp_path / "hacked").exists()


def test_label_space_goes_to_the_loader_only_when_given(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spurbench import plugins

    seen: list[dict[str, object]] = []
    real = plugins.classifier

    def noted(spec: str, **options: object) -> object:
        seen.append(options)
        return real(spec, weights=None)

    monkeypatch.setattr(plugins, "classifier", noted)
    words = ("eval", "--model", FAKE, "--data", folder, "--results", tmp_path / "r")
    assert call(monkeypatch, *words) == 0
    assert call(monkeypatch, *words, "--label-space", "imagenet-12k") == 0
    assert seen == [{"weights": None}, {"weights": None, "label_space": "imagenet-12k"}]
