"""Options of `spurbench build`, `merge`, `import-si` and `ablate`: what each changes, through the
commands themselves, at a tiny size."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.read import open_data_set
from spurbench.pictures import png_bytes
from spurbench_builders.progress import Progress
from spurbench_builders.run.side_by_side import Crew
from spurbench_builders.steps import engine
from tests.builders.inputs.test_importing import write_pictures
from tests.conftest import make_class, picture
from tests.evaluators.test_cli import call

TINY = {
    "extends": "micro",
    "name": "tiny",
    "references": {"pool": 24, "count": 3, "validation": 2},
    "prior": {"images": 2},
    "training": {"steps": 2},
    "sampling": {"steps": 2, "batch": 4},
    "prompt": {"contexts": ["on the beach"]},
}


@pytest.fixture(autouse=True)
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with two recipes."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(yaml.safe_dump(TINY))
    further = {"extends": "tiny.yaml", "name": "further", "similarity": {"weight": 0.2}}
    Path("further.yaml").write_text(yaml.safe_dump(further))


def generated(folder: str) -> list[Any]:
    return list(open_data_set(Path(folder)).pictures(splits=["generated"]))


def test_a_build_is_what_its_options_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("build", "--classes", "koala", "--recipe", "tiny.yaml", "--images", 3, "--seed", 2)
    assert call(monkeypatch, *words, "--out", "made", "--json") == 0
    shown = capsys.readouterr()
    manifest = read_manifest(Path("made"))
    expected = {"out": "made", "version": manifest.version, "classes": ["koala"]}
    assert json.loads(shown.out) == expected and shown.err == ""
    assert list(manifest.classes) == ["koala"]
    provenance = manifest.classes["koala"].provenance
    assert provenance["recipe"]["name"] == "tiny" and provenance["seed"] == 2
    rows = generated("made")
    assert [row.origin for row in rows] == [f"seed {2_000_000 + i}" for i in range(3)]

    (work,) = Path("made.work").glob("koala-*")
    (work / "left").touch()
    assert call(monkeypatch, *words, "--out", "made") == 0
    shown = capsys.readouterr()
    assert (work / "left").exists() and "koala: train" not in shown.err
    assert f"data set made, version {manifest.version}: koala" in shown.out
    assert call(monkeypatch, *words, "--out", "made", "--fresh") == 0
    assert not (work / "left").exists() and "koala: train" in capsys.readouterr().err


def test_a_shard_has_a_folder_and_classes_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("build", "--recipe", "tiny.yaml", "--images", 2, "--out", "made", "--json")
    assert call(monkeypatch, *words, "--classes", "koala,gondola", "--shard", "2/2") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["out"] == "made.shard-2-of-2" and told["classes"] == ["gondola"]
    assert call(monkeypatch, *words, "--classes", "koala", "--shard", "2/2") == 0
    assert capsys.readouterr().err == "shard 2/2 has no class to build\n"


def test_a_domain_that_the_recipe_is_not_of_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("build", "--recipe", "tiny.yaml", "--classes", "koala", "--out", "made")
    assert call(monkeypatch, *words, "--domain", "imagenet") == 2
    assert "recipe 'tiny' is of domain 'micro', not 'imagenet'" in capsys.readouterr().err


def test_jobs_are_the_processes_of_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Helpers that never come leave all classes to the lead."""
    started: list[Crew] = []
    monkeypatch.setattr(Crew, "start", lambda self: started.append(self))
    words = ("build", "--recipe", "tiny.yaml", "--images", 2, "--out", "made", "--json")
    for jobs, helpers in ((1, 0), (2, 1), (9, 1)):
        assert call(monkeypatch, *words, "--classes", "koala,gondola", "--jobs", jobs) == 0
        assert len(started) == helpers
        started.clear()
    assert set(read_manifest(Path("made")).classes) == {"koala", "gondola"}


def test_own_references_go_through_the_panel_only_when_filtered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("own").mkdir()
    for i in range(3):
        Path(f"own/mine-{i}.png").write_bytes(png_bytes(picture(i, (70, 90))))
    words = ("build", "--recipe", "tiny.yaml", "--classes", "koala", "--images", 2, "--out", "made")
    own = ("--references", "own", "--json")
    assert call(monkeypatch, *words, *own, "--filter-references") == 2
    assert "koala: only 0 of 3 references fool the whole panel" in capsys.readouterr().err
    assert call(monkeypatch, *words, *own) == 0
    origins = [row.origin for row in open_data_set(Path("made")).pictures(splits=["si"])]
    assert origins == ["mine-0.png", "mine-1.png", "mine-2.png"]


def test_merge_and_import_write_where_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_class(Path("a"), tmp_path / "aside", "koala", 5)
    make_class(Path("b"), tmp_path / "aside", "gondola", 3)
    assert call(monkeypatch, "merge", "a", "b", "--out", "both") == 0
    assert set(read_manifest(Path("both")).classes) == {"gondola", "koala"}
    write_pictures(tmp_path / "si" / "spurious_koala_105_2", 2)
    assert call(monkeypatch, "import-si", "si", "--out", "imported") == 0
    assert read_manifest(Path("imported")).classes["koala"].label == 105
    shown = capsys.readouterr().out
    assert "data set both, version" in shown and "--data imported" in shown


def test_an_ablation_is_what_its_options_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--classes", "koala", "--seeds", "3,5", "--recipe", "tiny.yaml", "--out", "work")
    rows = ("--readings", "contrast", "--kappas", "0.25", "--also", "further.yaml")
    counts = ("--images", 3, "--contexts", 2)
    assert call(monkeypatch, "ablate", *words, *rows, *counts, "--json") == 0
    shown = capsys.readouterr()
    record = json.loads(shown.out)
    assert shown.err == "" and record == json.loads(Path("work/ablation.json").read_text())
    assert record["classes"] == ["koala"] and record["seeds"] == [3, 5]
    assert record["recipe"] == "tiny" and record["images"] == 3
    assert [variant["name"] for variant in record["variants"]] == [
        *("vanilla", "text-encoder", "contrast-0.25", "recipe", "further")
    ]
    assert len(record["cells"]) == 10 and {cell["n"] for cell in record["cells"]} == {3}
    assert [(c["context"], c["n"]) for c in record["contexts"]] == [("on the beach", 2)] * 2
    assert {path.name for path in Path("work").glob("ablation.*")} == {
        *("ablation.json", "ablation.md", "ablation.png")
    }


def test_deterministic_arithmetic_is_for_the_build_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for with --deterministic, while steps run and not after it; the bytes on a CPU are equal."""
    import torch

    seen: list[tuple[bool, str | None]] = []
    work = engine.work

    def watched(*words: Any) -> Iterator[Progress]:
        here = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
        seen.append((torch.are_deterministic_algorithms_enabled(), here))
        yield from work(*words)

    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(engine, "work", watched)
    words = ("build", "--classes", "koala", "--recipe", "tiny.yaml", "--images", 2)
    assert call(monkeypatch, *words, "--out", "one") == 0
    assert call(monkeypatch, *words, "--out", "two", "--deterministic") == 0
    assert seen == [(False, None), (True, ":4096:8")]
    assert not torch.are_deterministic_algorithms_enabled()
    assert read_manifest(Path("one")).version == read_manifest(Path("two")).version
