"""`spurbench show`: where pages go, what is said, what is refused."""

from __future__ import annotations

import errno
import json
import os
import shutil
import webbrowser
from pathlib import Path

import pytest

from spurbench_publishing.show import making
from tests.conftest import ROOT
from tests.core.dataset.made_rows import put_koala, put_other
from tests.evaluators.test_cli import call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put_koala(tmp_path / "set")
    put_other(tmp_path / "set")
    shutil.rmtree(tmp_path / "set-aside")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "set"


def there(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} - {
        p.relative_to(root).as_posix() for p in (root / "set").rglob("*")
    }


def test_one_page_beside_you_or_where_out_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder.parent
    assert call(monkeypatch, "show", folder) == 0
    assert capsys.readouterr().out.startswith("set.html: one page of 12 pictures, ")
    assert call(monkeypatch, "show", folder, "--class", "koala", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "out": "set-koala.html",
        "bytes": (root / "set-koala.html").stat().st_size,
        "pages": 1,
    }
    assert (
        call(monkeypatch, "show", folder, "--class", "freight car,koala", "--out", "x/a.html") == 0
    )
    assert (root / "x/a.html").read_bytes() == (root / "set.html").read_bytes()
    assert there(root) == {"set.html", "set-koala.html", "x/a.html"}
    assert call(monkeypatch, "show", folder, "--class", "koala", "--out", "x/a.html") == 0
    assert (root / "x/a.html").read_bytes() == (root / "set-koala.html").read_bytes()


def test_a_folder_has_a_page_a_class(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder.parent
    assert call(monkeypatch, "show", folder, "--out", "pages") == 0
    assert capsys.readouterr().out.startswith("pages/index.html: 3 pages of 12 pictures")
    made = {"index.html", "spurbench-files.json", "classes/koala.html", "classes/freight_car.html"}
    assert there(root) == {f"pages/{name}" for name in made}
    assert call(monkeypatch, "show", folder, "--class", "koala", "--out", "pages") == 0
    assert not (root / "pages/classes/freight_car.html").exists()


def test_many_pictures_go_to_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(making, "MOST_PICTURES", 11)
    assert call(monkeypatch, "show", folder) == 0
    assert capsys.readouterr().out.startswith("set-pages/index.html: ")
    assert call(monkeypatch, "show", folder, "--out", "one.html") == 2
    assert "12 pictures are too many for a page (at most 11)" in capsys.readouterr().err
    assert not (folder.parent / "one.html").exists()


def test_open_starts_a_browser_or_says_that_it_could_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def refuse(url: str) -> bool:
        asked.append(url)
        return False

    monkeypatch.setattr(webbrowser, "open", refuse)
    assert call(monkeypatch, "show", folder, "--open") == 0
    assert asked == [(folder.parent / "set.html").as_uri()]
    assert "no browser could be started; open set.html yourself" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nowhere"), "nowhere: no such data set folder"),
        (
            ("show", "set", "--class", "kaola"),
            "unknown class of the data set 'kaola'; did you mean",
        ),
        (("show", "set", "--class", ","), "--class names nothing"),
        (("show", "set", "--out", "mine.html"), "mine.html: is there and is none of ours"),
        (("show", "set", "--out", "full"), "full: holds other files and no spurbench-files.json"),
        (("show", "set", "--out", "mine.html/pages"), "mine.html"),
        (("show", "set", "--out", "set"), "set: holds other files"),
        (("show", "set", "--out", "dir.html"), "dir.html: is a folder; name a file"),
    ],
)
def test_what_is_refused_changes_nothing(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    root = folder.parent
    (root / "mine.html").write_text("<p>mine</p>")
    (root / "full").mkdir()
    (root / "full/mine.txt").write_text("mine")
    (root / "dir.html").mkdir()
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    assert call(monkeypatch, *words) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert not shown.out and shown.err.count("\n") == 1
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before


def test_a_file_of_ones_own_among_the_pages_is_never_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "show", folder, "--out", "pages") == 0
    mine = folder.parent / "pages/classes/notes.txt"
    mine.write_text("mine")
    assert call(monkeypatch, "show", folder, "--out", "pages") == 2
    assert "holds classes/notes.txt, which is none of ours" in capsys.readouterr().err
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("out", ["a.html", "pages"])
def test_a_full_disk_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert call(patch, "show", folder, "--out", out) == 2
    assert "the disk is full" in capsys.readouterr().err
    assert sorted(p.name for p in folder.parent.iterdir()) == ["set"]


def test_a_link_is_followed_and_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "kept").mkdir()
    (folder.parent / "link").symlink_to("kept")
    assert call(monkeypatch, "show", folder, "--out", "link") == 0
    assert (folder.parent / "link").is_symlink()
    assert (folder.parent / "kept/index.html").is_file()


def test_a_data_set_of_version_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "show", ROOT / "tests/data/version_1") == 0
    assert "version_1.html: one page of" in capsys.readouterr().out
