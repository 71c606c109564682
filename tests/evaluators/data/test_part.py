"""Of a data set on the hub no more is fetched than what is scored, and that is checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spurbench.dataset import part
from spurbench.dataset.manifest import read_manifest
from spurbench.errors import UserError
from spurbench.results import Selection
from spurbench_evaluators.data.sources import open_source
from tests.conftest import ROOT
from tests.core.dataset.made import put, rehashed, spoiled
from tests.publishing.hub.repository import Blob
from tests.publishing.hub.server import running
from tests.publishing.hub.state import Hub

NAME = "org/spurbench"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A split of three files, and another class."""
    folder = tmp_path / "d"
    parts = {"si": ("si", [[1, 2], [3], [4, 5]]), "val": ("val", [[6]])}
    put(folder, "koala", 5, parts)
    put(folder, "gondola", 3, {"si": ("si", [[7, 8]])})
    return folder


def publish(hub: Hub, folder: Path) -> None:
    hub.repositories.clear()
    hub.create({"organization": "org", "name": "spurbench"}, "org")
    files = {
        path.relative_to(folder).as_posix(): Blob(path.read_bytes(), path.suffix == ".parquet")
        for path in folder.rglob("*")
        if path.is_file()
    }
    hub.repositories[NAME].commit("heads/main", "made", files)


def si(number: int) -> str:
    return f"data/koala/si-{number:05d}-of-00003.parquet"


@pytest.fixture
def asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The patterns that files are asked for with; they all lie in one folder."""
    found: list[list[str]] = []

    def snapshot(text: str, revision: str | None, only: list[str]) -> Path:
        found.append(only)
        return folder

    monkeypatch.setattr(part, "snapshot", snapshot)
    monkeypatch.chdir(folder.parent)
    return found


@pytest.mark.parametrize(
    ("selection", "files"),
    [
        (Selection(classes=["koala"], splits=["si"], limit=1), [si(0)]),
        (Selection(classes=["koala"], splits=["si"], limit=2), [si(0)]),
        (Selection(classes=["koala"], splits=["si"], limit=3), [si(0), si(1)]),
        (Selection(classes=["koala"], splits=["si"], limit=9), [si(0), si(1), si(2)]),
        (Selection(splits=["val"]), ["data/koala/val-00000-of-00001.parquet"]),
        (Selection(classes=["gondola"]), ["data/gondola/si-00000-of-00001.parquet"]),
    ],
)
def test_only_the_files_of_the_selection_are_asked_for(
    folder: Path, asked: list[list[str]], selection: Selection, files: list[str]
) -> None:
    source = open_source(NAME, selection)
    assert asked == [["manifest.json"], ["manifest.json", *files]]
    here = open_source(folder, selection)
    assert list(source.pictures()) == list(here.pictures())
    assert (
        source.record.fingerprint == here.record.fingerprint == read_manifest(folder).fingerprint()
    )


def test_validation_pictures_that_others_stand_for_are_not_fetched(
    folder: Path, asked: list[list[str]], tmp_path: Path
) -> None:
    from tests.evaluators.data.layouts import kaggle_layout

    put(
        tmp_path / "i",
        "koala",
        105,
        {"si": ("si", [[1]]), "val": ("val", [[2]])},
        domain="imagenet",
    )
    for path in list(folder.rglob("*.parquet")):
        path.unlink()
    (tmp_path / "i").rename(tmp_path / "moved")
    for path in (tmp_path / "moved").rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(tmp_path / "moved")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    open_source(NAME, None, kaggle_layout(tmp_path / "val"))
    assert asked[-1] == ["manifest.json", "data/koala/si-00000-of-00001.parquet"]


def test_what_is_fetched_is_checked_and_what_is_not_need_not_be_there(
    folder: Path, asked: list[list[str]]
) -> None:
    selection = Selection(classes=["koala"], splits=["si"], limit=3)
    (folder / si(2)).unlink()
    (folder / "data" / "gondola" / "si-00000-of-00001.parquet").unlink()
    assert open_source(NAME, selection).count == 3
    for wanted in (Selection(classes=["koala"]), Selection(classes=["gondola"])):
        with pytest.raises(UserError, match="missing; run the build again"):
            open_source(NAME, wanted)
    good = (folder / si(1)).read_bytes()
    (folder / si(1)).write_bytes(good + b"x")
    with pytest.raises(UserError, match=r"differs from what manifest\.json records"):
        open_source(NAME, selection)
    assert open_source(NAME, selection.model_copy(update={"limit": 2})).count == 2
    (folder / si(1)).write_bytes(good)
    for change, said in [
        (lambda rows: rows[0].update(label=6), "the label 5, but its pictures have 6"),
        (lambda rows: rows[0].update(index=0), "are not those that manifest.json records"),
        (lambda rows: rows.append(dict(rows[0], index=7)), "are not those that manifest.json"),
    ]:
        (folder / si(1)).write_bytes(good)
        spoiled(folder / si(1), change)
        with pytest.raises(UserError, match=said):
            open_source(NAME, selection)
    (folder / si(1)).write_bytes(good)
    rehashed(folder / si(1))
    spoiled(folder / si(1), lambda rows: rows[0]["image"].update(bytes=b"other"))
    with pytest.raises(UserError, match="the bytes of picture 2 are not those of its sha256"):
        list(open_source(NAME, selection).pictures())
    with pytest.raises(UserError, match="unknown class of the data set 'kola'"):
        open_source(NAME, Selection(classes=["kola"]))


def test_over_http_five_pictures_of_a_class_cost_their_files_alone(
    folder: Path, tmp_path: Path
) -> None:
    with running() as hub:
        publish(hub, folder)
        environment = os.environ | {
            "HF_ENDPOINT": hub.url,
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(tmp_path / "home"),
        }
        words = ["--classes", "koala", "--splits", "si", "--limit", "3", "--data", NAME]
        command = [sys.executable, "-m", "spurbench", "eval", "--results", str(tmp_path / "r")]
        command += ["--model", "python/tests.evaluators.fakes:slow", "--json", *words]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert set(hub.served) == {"manifest.json", si(0), si(1)}
        sizes = {path: (folder / path).stat().st_size for path in hub.served}
        assert hub.served == sizes, "each was sent once"
