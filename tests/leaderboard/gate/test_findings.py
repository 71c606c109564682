"""How findings are told: to the letter, for people, programs and pull requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spurbench_leaderboard.gate.findings import (
    Finding,
    as_annotations,
    as_data,
    as_lines,
    inert,
    shown,
    sorted_report,
)
from tests.evaluators.test_cli import call

from .made import Board, edited, submitted

FOUND = [
    Finding("b.json", "error", "schema", "50 % of it, \n::error::x ##[group]y"),
    Finding("a,b:c.json", "note", "plausible", "weak"),
    Finding("b.json", "error", "name", "moved"),
    Finding("b.json", "error", "name", "moved"),
]
REPORT = sorted_report(["b.json", "a,b:c.json", "c.json"], FOUND, ["history was not checked"])


def test_for_people() -> None:
    assert list(as_lines(REPORT)) == [
        "a,b:c.json",
        "  note: plausible: weak",
        "b.json",
        "  error: name: moved",
        "  error: schema: 50 % of it, \\n: :error: :x # #[group]y",
        "history was not checked",
        "3 results checked: 2 errors, 1 note",
    ]


def test_for_a_pull_request() -> None:
    assert list(as_annotations(REPORT)) == [
        "::notice file=a%2Cb%3Ac.json,title=leaderboard%3A plausible::weak",
        "::error file=b.json,title=leaderboard%3A name::moved",
        "::error file=b.json,title=leaderboard%3A schema::50 %25 of it, \\n: :error: :x # #[group]y",
        "::notice::history was not checked",
        "3 results checked: 2 errors, 1 note",
    ]


def test_as_data() -> None:
    data = json.loads(json.dumps(as_data(REPORT)))
    assert data["ok"] is False and data["files"] == ["a,b:c.json", "b.json", "c.json"]
    assert data["findings"][0] == {
        "file": "a,b:c.json", "level": "note", "rule": "plausible", "message": "weak",
    }  # fmt: skip
    assert data["findings"][2]["message"] == FOUND[0].message, "data is not escaped twice"
    assert data["skipped"] == ["history was not checked"]
    assert as_data(sorted_report(["a"], [FOUND[1]]))["ok"] is True


def test_the_exit_code_and_the_summary() -> None:
    assert REPORT.code == 1 and sorted_report(["a"], [FOUND[1]]).code == 0
    assert sorted_report(["a"], []).summary() == "1 result checked: 0 errors, 0 notes"


def test_files_are_named_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a" / "b.json") == "a/b.json" == shown(Path("a/b.json"))
    assert shown(tmp_path.parent / "b.json") == (tmp_path.parent / "b.json").as_posix()


def test_what_is_inert_stays_short() -> None:
    assert inert("::" * 5000).count("::") == 0 and len(inert("x" * 9999)) < 2100


def test_the_command_in_its_three_forms(
    made: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made.root)
    path = submitted(made).relative_to(made.root)
    assert call(monkeypatch, "leaderboard", "check") == 0
    edited(path, lambda data: data.update(prevalence=0.5))
    said = "prevalence: says '0.5', its predictions give '0.4'"
    skipped = "history was not checked: name the branch that the change goes into with --base"
    capsys.readouterr()
    assert call(monkeypatch, "leaderboard", "check") == 1
    summary = "1 result checked: 1 error, 0 notes"
    assert capsys.readouterr().out.splitlines() == [
        str(path), f"  error: numbers: {said}", skipped, summary,
    ]  # fmt: skip
    assert call(monkeypatch, "leaderboard", "check", "--github") == 1
    assert capsys.readouterr().out.splitlines() == [
        f"::error file={path},title=leaderboard%3A numbers::{said}", f"::notice::{skipped}", summary,
    ]  # fmt: skip
    assert call(monkeypatch, "leaderboard", "check", "--json") == 1
    shown = capsys.readouterr()
    assert (
        json.loads(shown.out)["findings"]
        == [{"file": str(path), "level": "error", "rule": "numbers", "message": said}]
        and shown.err == ""
    )
    assert call(monkeypatch, "leaderboard", "check", "--json", "--github") == 2
    assert "--github and --json are two forms of one report" in capsys.readouterr().err


def test_places_and_base_are_told(
    made: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--results, --data and --base, from elsewhere."""
    submitted(made)
    monkeypatch.chdir(made.root.parent)
    words = ("leaderboard", "check", "--results", made.results)
    assert call(monkeypatch, *words, "--data", made.known) == 0
    assert call(monkeypatch, *words) == 1
    assert "is not known (known: none); add it with" in capsys.readouterr().out
    assert call(monkeypatch, *words, "--base", "nowhere") == 2
    assert "--base" in capsys.readouterr().err
