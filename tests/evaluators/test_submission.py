"""`spurbench eval --submit`: a checkout's results take what was scored, and keep what they have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spurbench.files import sha256_file
from spurbench.results import read_result, write_result
from spurbench.scores.stored import read_stored
from tests.conftest import make_class
from tests.evaluators.test_cli import FAKE, call

CHECK = ("leaderboard", "check")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone that knows a data set; the working folder is one below its top."""
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5, count=2)
    root = tmp_path / "clone"
    (root / "leaderboard" / "results").mkdir(parents=True)
    (root / "docs").mkdir()
    monkeypatch.chdir(root)
    assert call(monkeypatch, "leaderboard", "register", tmp_path / "data") == 0
    monkeypatch.chdir(root / "docs")
    return root


def words(checkout: Path) -> tuple[object, ...]:
    data, results = checkout.parent / "data", checkout.parent / "r"
    return ("eval", "--model", FAKE, "--data", data, "--results", results, "--submit")


def files(folder: Path) -> dict[str, str]:
    return {p.name: sha256_file(p) for p in folder.rglob("*.*") if p.is_file()}


def test_what_was_scored_is_submitted_and_passes_the_gate(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It lies in --results as ever, and in the checkout; a second call changes nothing."""
    capsys.readouterr()
    for _ in range(2):  # with --submit
        assert call(monkeypatch, *words(checkout)) == 0
        lines = capsys.readouterr().out.splitlines()[-4:]
        (path,) = (checkout / "leaderboard" / "results").rglob("*.json")
        beside = read_stored(path).predictions_path
        assert lines == [
            f"submitted: {path}",
            f"next: git add {path} {beside}",
            f"      spurbench leaderboard check {path}",
            "      git commit, and open a pull request with these files alone",
        ]
        assert files(checkout / "leaderboard" / "results") == files(checkout.parent / "r")
    monkeypatch.chdir(checkout)
    assert call(monkeypatch, *CHECK) == 0


def test_programs_get_one_object(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkout)
    capsys.readouterr()
    assert call(monkeypatch, *words(checkout), "--json") == 0
    shown = capsys.readouterr()
    (found,) = json.loads(shown.out)["results"]
    (path,) = Path("leaderboard/results").rglob("*.json")
    assert read_result(path).model_dump() == found
    assert f"submitted: {path}\nnext: git add {path} " in shown.err, "names are the folder's own"


def test_a_list_is_submitted_model_by_model(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that fails keeps none of the others back."""
    (checkout / "models.txt").write_text(f"{FAKE}\nmicro/none\nmicro/vit\n")
    _, _, _, *rest = words(checkout)
    capsys.readouterr()
    assert call(monkeypatch, "eval", "--models", checkout / "models.txt", *rest) == 2
    assert capsys.readouterr().out.count("submitted: ") == 2
    assert len(files(checkout / "leaderboard" / "results")) == 4


def test_another_result_of_the_same_run_stays(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *words(checkout)) == 0
    (path,) = (checkout / "leaderboard" / "results").rglob("*.json")
    theirs = read_result(path).model_copy(update={"predictions_sha256": "0" * 64})
    write_result(theirs, path)
    before = files(path.parent)
    capsys.readouterr()
    assert call(monkeypatch, *words(checkout)) == 2
    shown = capsys.readouterr()
    assert f"spurbench: {path}: is a result of this model already" in shown.err
    assert "submitted:" not in shown.out and files(path.parent) == before


@pytest.mark.parametrize("part", [("--classes", "koala"), ("--splits", "si"), ("--limit", 1)])
def test_a_part_is_refused_before_anything_is_scored(
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    part: tuple[object, ...],
) -> None:
    assert call(monkeypatch, *words(checkout), *part) == 2
    assert f"--submit is for whole data sets; leave {part[0]} out" in capsys.readouterr().err
    assert not (checkout.parent / "r").exists()


def test_outside_a_checkout_nothing_is_scored(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkout.parent)
    assert call(monkeypatch, *words(checkout)) == 2
    said = "--submit wants a checkout with the folder leaderboard/results; clone the repository"
    assert said in capsys.readouterr().err
    assert not (checkout.parent / "r").exists()
