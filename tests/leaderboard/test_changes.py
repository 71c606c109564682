"""What new results change in the tables: against tables that are ranked here once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.results import Result, write_result
from spurbench_leaderboard.ranking import ranking_of
from tests.evaluators.test_cli import call
from tests.leaderboard.gate.made import git
from tests.leaderboard.own import panel_results

OWN = panel_results()
WORDS = ("leaderboard", "changes", "--base", "HEAD", "--results", "found", "--data", "known")


def put(root: Path, *results: Result) -> None:
    for result in results:
        write_result(result, result.path_under(root / "found"))


def commit(root: Path) -> None:
    git(root, "add", ".")
    git(root, "commit", "-q", "--allow-empty", "-m", "x")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def doubtful(result: Result) -> Result:
    raw = result.model_dump()
    raw["model"] |= {"spec": "made/blind", "weights_sha256": "b" * 64}
    nothing = {"value": 0.1, "low": 0.0, "high": 0.2}
    raw["means"]["val"]["restricted"]["top1"] = nothing
    return Result.model_validate(raw)


def part(result: Result) -> Result:
    raw = result.model_dump()
    raw["model"] |= {"spec": "made/part", "weights_sha256": "c" * 64}
    raw["data"]["selection"] = {"limit": 1}
    return Result.model_validate(raw)


def test_ranks_that_move_are_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who keeps its rank is not; --base names the commit, --results and --data the folders."""
    put(repository, *OWN[:2])
    commit(repository)
    put(repository, *OWN[2:], doubtful(OWN[0]), part(OWN[0]))
    assert call(monkeypatch, *WORDS) == 0
    title, table, notes = capsys.readouterr().out.split("\n\n")
    data = OWN[0].data
    assert title == f"### `micro`, version `{data.version}`, framing `model`"
    before, after = (
        {p.result.model.spec: (p.rank, p.low, p.high) for p in ranking_of(some).places}
        for some in (OWN[:2], OWN)
    )
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]
    said = {spec.strip("`"): (now, was) for now, was, spec, _ in rows}

    def text(place: tuple[int, int, int] | None) -> str:
        if place is None:
            return "new"
        rank, low, high = place
        return f"{rank}" if low == high else f"{rank} ({low}-{high})"

    assert said == {
        spec: (text(place), text(before.get(spec)))
        for spec, place in after.items()
        if place != before.get(spec)
    }
    assert {each.model.spec for each in OWN[2:]} <= set(said)
    doubt = "accuracy on validation pictures is 10.0 %, below 40 %: it says little of any picture"
    assert notes.splitlines() == [
        f"- not ranked: `made/blind`: {doubt}",
        "- not ranked: `made/part`: only a part of the data",
    ]


def test_the_first_result_and_none(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository)
    put(repository, OWN[0])
    assert call(monkeypatch, *WORDS) == 0
    assert f"| 1 | new | `{OWN[0].model.spec}` | " in capsys.readouterr().out
    commit(repository)
    assert call(monkeypatch, *WORDS) == 0
    assert capsys.readouterr().out == "No results were added.\n"


def test_of_parts_alone_there_is_no_table(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository)
    put(repository, part(OWN[0]))
    assert call(monkeypatch, *WORDS) == 0
    title, note = capsys.readouterr().out.split("\n\n")
    assert title.startswith("### ") and note == (
        "- not ranked: `made/part`: only a part of the data\n"
    )


def test_who_keeps_its_rank_is_not_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(repository, *OWN[:2])
    commit(repository)
    put(repository, doubtful(OWN[0]))
    assert call(monkeypatch, *WORDS) == 0
    said = capsys.readouterr().out
    assert "- not ranked: `made/blind`" in said and "| rank |" not in said
    assert not any(each.model.spec in said for each in OWN)


def test_without_a_history_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, OWN[0])
    assert call(monkeypatch, *WORDS) == 2
    assert "--base wants a git repository" in capsys.readouterr().err
