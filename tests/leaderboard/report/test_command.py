"""`spurbench report`: what is written where, what is said, what is refused."""

from __future__ import annotations

import json
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from spurbench.dataset.read import open_data_set
from spurbench.results import Hosted, read_result, write_result
from spurbench.scores.stored import predictions_path
from tests.conftest import make_class
from tests.evaluators.test_cli import call
from tests.leaderboard.gate.made import CLASSES, Board

from .made import OTHER, PLAN, older, planned


def alone(path: Path) -> Path:
    """The result without its predictions."""
    predictions_path(path, read_result(path)).unlink()
    return path


def test_what_is_written_and_told(
    made: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, other = planned(made), planned(made, OTHER, "made/two")
    assert call(monkeypatch, "report", path) == 0
    own = Path(f"{path.stem}.html")
    assert capsys.readouterr().out.startswith(f"{own}: one page, ")
    first = own.read_bytes()
    words = ("--out", "x/a.html", "--latex", "x/a.tex", "--csv", "x/a.csv", "--against", other)
    assert call(monkeypatch, "report", path, *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "files": [
            {"kind": kind, "path": f"x/a.{ending}", "bytes": Path(f"x/a.{ending}").stat().st_size}
            for kind, ending in (("html", "html"), ("latex", "tex"), ("csv", "csv"))
        ]
    }
    assert "Against made/two" in Path("x/a.html").read_text(encoding="utf-8")
    assert b"Against" not in first
    # Again, over what is there, to the same bytes.
    before = {p: p.read_bytes() for p in Path("x").iterdir()}
    assert len(before) == 3
    assert call(monkeypatch, "report", path, *words) == 0
    assert {p: p.read_bytes() for p in Path("x").iterdir()} == before


def test_pictures_are_shown_from_the_data_set_that_was_scored(
    made: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = planned(made)
    assert call(monkeypatch, "report", path, "--out", "a.html") == 0
    assert "with <code>--pictures DIR</code>" in Path("a.html").read_text()
    assert call(monkeypatch, "report", path, "--out", "b.html", "--pictures", made.data.folder) == 0
    html = Path("b.html").read_text()
    assert html.count('<img src="data:image/webp;base64,') == 16 and "--pictures" not in html
    make_class(made.root / "more", made.root / "aside", "koala", 5, count=5, seed=7)
    capsys.readouterr()
    assert call(monkeypatch, "report", path, "--out", "c.html", "--pictures", "more") == 2
    assert "name that data set with --pictures" in capsys.readouterr().err
    assert call(monkeypatch, "report", alone(path), "--pictures", made.data.folder) == 2
    assert "without them no pictures can be chosen" in capsys.readouterr().err


def test_predictions_of_other_pictures_show_none(
    made: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A result may say that it is of a data set and not be: its pictures are compared by their hash."""
    folder = made.root / "other"
    for slug, label in CLASSES.items():
        make_class(folder, made.root / "aside", slug, label, count=4, seed=3000 * label)
    other = replace(made, data=open_data_set(folder))
    record = made.data.manifest
    path = planned(other, data_fingerprint=record.fingerprint(), data_version=record.version)
    assert call(monkeypatch, "report", path, "--pictures", made.data.folder) == 2
    assert "is not the one that was scored" in capsys.readouterr().err


def test_without_predictions_it_says_what_is_missing(
    made: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = alone(planned(made))
    assert call(monkeypatch, "report", path, "--out", "a.html", "--csv", "a.csv") == 0
    html = Path("a.html").read_text()
    assert "Without worst pictures and calibration: its predictions, " in html
    assert 'id="worst"' not in html and 'id="calibration"' not in html
    assert 'id="confusion"' in html and "calibration" not in Path("a.csv").read_text()


def test_predictions_on_the_hub_are_named(made: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    path = alone(planned(made))
    hosted = Hosted(repo_id="some/set", revision="a" * 40, path="p.parquet")
    write_result(read_result(path).model_copy(update={"hosted": hosted}), path)
    assert call(monkeypatch, "report", path, "--out", "a.html") == 0
    assert "lie in some/set on the Hugging Face hub, commit aaaa" in Path("a.html").read_text()


@pytest.mark.parametrize("version", [1, 2])
def test_older_results(made: Board, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    path = older(planned(made), version)
    assert call(monkeypatch, "report", path, "--out", "a.html", "--latex", "a.tex") == 0
    html = Path("a.html").read_text()
    assert "without the reading restricted" in html and 'id="worst"' in html
    assert "over the full head" in Path("a.tex").read_text()
    fixture = Path(__file__).parents[2] / "core" / "fixtures" / "result_v1.json"
    assert call(monkeypatch, "report", fixture, "--out", "b.html") == 0


def test_one_class_and_validation_alone(made: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {key: value for key, value in PLAN.items() if key[0] == "koala"}
    assert call(monkeypatch, "report", planned(made, one), "--out", "a.html") == 0
    assert "no interval" in Path("a.html").read_text()
    val = {key: value for key, value in PLAN.items() if key[1] == "val"}
    assert call(monkeypatch, "report", planned(made, val, "made/three"), "--out", "b.html") == 0
    assert "only validation pictures were scored" in Path("b.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.json",), "nowhere.json: cannot be read (no such file"),
        (("mine.html",), "mine.html: not a result file"),
        (("RESULT", "--out", "mine.html"), "mine.html: is there and is none of ours"),
        (("RESULT", "--latex", "mine.html"), "name another with --latex"),
        (("RESULT", "--csv", "mine.html"), "name another with --csv"),
        (("RESULT", "--out", "RESULT"), "is there and is none of ours"),
        (("RESULT", "--out", "dir"), "dir: is a folder; name a file with --out"),
        (("RESULT", "--csv", "dir"), "dir: is a folder; name a file with --csv"),
        (("RESULT", "--out", "link"), "link: is a link that leads nowhere"),
        (("RESULT", "--out", "mine.html/a.html"), "mine.html"),
        (("RESULT", "--latex", "a", "--csv", "./a"), "--latex and --csv name one file"),
        (("RESULT", "--against", "RESULT"), "are one result; name another with --against"),
        (("RESULT", "--against", "nowhere.json"), "nowhere.json: cannot be read (no such file"),
        (("RESULT", "--pictures", "dir"), "dir"),
    ],
)
def test_what_is_refused_changes_nothing(
    made: Board,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    path = planned(made)
    Path("mine.html").write_text("<p>mine</p>")
    Path("dir").mkdir()
    Path("link").symlink_to("gone")
    before = {p: p.read_bytes() for p in made.root.rglob("*") if p.is_file()}
    assert call(monkeypatch, "report", *(str(path) if w == "RESULT" else w for w in words)) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert not shown.out and shown.err.count("\n") == 1
    assert {p: p.read_bytes() for p in made.root.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("version", [2, 3])
def test_predictions_that_are_not_the_results(
    made: Board,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: int,
) -> None:
    path, other = planned(made), planned(made, OTHER, "made/two")
    shutil.copy(
        predictions_path(other, read_result(other)), predictions_path(path, read_result(path))
    )
    if version == 2:
        older(path, 2)
    assert call(monkeypatch, "report", path) == 2
    assert f"differs from what {path.name} records" in capsys.readouterr().err


def test_an_edited_result(
    made: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = planned(made)
    path.write_text(path.read_text().replace('"hits": 2', '"hits": 1', 1))
    assert call(monkeypatch, "report", path) == 2
    assert "is not what its predictions give" in capsys.readouterr().err


def test_where_the_second_file_cannot_be_written_neither_is(
    made: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, words = planned(made), ("--out", "a.html", "--csv", "a.csv")
    assert call(monkeypatch, "report", path, *words) == 0
    before = {p: p.read_bytes() for p in Path().glob("*.*")}
    other = planned(made, OTHER, f"made/{'x' * 150}")  # which stands in every row
    assert call(monkeypatch, "report", other, "--out", "b.html", "--csv", "b.csv") == 0
    sizes = [Path(name).stat().st_size for name in ("b.html", "b.csv")]
    assert sizes[0] < sizes[1]
    for name in ("b.html", "b.csv"):
        Path(name).unlink()
    capsys.readouterr()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[0], hard))
    try:
        assert call(monkeypatch, "report", other, *words) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot write " in capsys.readouterr().err
    assert {p: p.read_bytes() for p in Path().glob("*.*")} == before
    assert not list(Path().glob(".*.part"))
