"""The tool that looks for what no test notices: what it runs, when it ends, what it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.mutation import __main__ as tool
from scripts.mutation.choice import below, changed, in_time, share, source_sha256
from scripts.mutation.reasons import Reason, explained, idle, reasons
from scripts.mutation.record import SKIPPED, draw
from scripts.mutation.stage import Group, at_home, groups
from spurbench.files import sha256_bytes
from tests.conftest import ROOT

ONE, TWO, BOARD = "spurbench/a.py", "spurbench_builders/b.py", "spurbench_leaderboard/c.py"
GROUPS = [Group("first", (ONE, TWO), ("tests/x",)), Group("second", (BOARD,), ("tests/y",))]


def survivor(function: str, after: str) -> dict[str, str]:
    return {"function": function, "before": "old", "after": after}


def test_reasons_are_put_beside_the_survivors_that_they_fit(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(
        f"{ONE}:\n"
        "  - {function: f, after: 'x   = None', reason: 'only a\n    default'}\n"
        "  - {function: C.g, reason: equal}\n"
    )
    (tmp_path / "second.yaml").write_text(f"{TWO}:\n  - {{function: f, reason: elsewhere}}\n")
    (tmp_path / "none.yaml").write_text("")
    known = reasons(tmp_path)
    found = [survivor("f", "y = x = None"), survivor("f", "x = 1"), survivor("C.g", "?")]
    assert explained(ONE, found, known) == [
        {**found[0], "reason": "only a default"},
        found[1],
        {**found[2], "reason": "equal"},
    ]
    assert explained(TWO, found[:1], known) == [{**found[0], "reason": "elsewhere"}]
    stale = [{**found[1], "reason": "of before"}]
    assert explained(BOARD, stale, known) == [found[1]]
    assert [r.reason for r in idle([ONE], {ONE: found[:2]}, known)] == ["equal"]
    assert idle([BOARD], {}, known) == []
    assert [r.reason for r in idle([ONE, TWO], {ONE: found}, known)] == ["elsewhere"]


@pytest.mark.parametrize("entry", ["function: f", "reason: r", "function: f, reason: r, line: 2"])
def test_a_reason_that_lacks_something_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "a.yaml").write_text(f"{ONE}:\n  - {{{entry}}}\n")
    with pytest.raises(SystemExit, match=rf"a\.yaml: {ONE}: give function, reason"):
        reasons(tmp_path)


def test_the_repositorys_own_reasons_are_of_modules_in_groups() -> None:
    mutated = {module for group in groups() for module in group.modules}
    assert {reason.module for reason in reasons()} <= mutated
    assert all(isinstance(reason, Reason) for reason in reasons())


def test_modules_that_the_record_knows_are_left_out() -> None:
    record = {"spurbench/a.py": {"sha256": "of " + ONE}}
    record["leaderboard/spurbench_leaderboard/c.py"] = {"sha256": "older"}
    assert changed(GROUPS, record, "of {}".format) == [GROUPS[1]]
    record["builders/spurbench_builders/b.py"] = {"sha256": "older"}
    narrow = [Group("first", (TWO,), ("tests/x",)), GROUPS[1]]
    assert changed(GROUPS, record, "of {}".format) == narrow
    assert changed(GROUPS, {}, "of {}".format) == [], "what was never recorded is no change"


def test_a_module_is_known_by_its_source() -> None:
    module = "spurbench_leaderboard/markdown.py"
    path = ROOT / "leaderboard" / module
    assert at_home(module) == f"leaderboard/{module}"
    assert source_sha256(module) == sha256_bytes(path.read_bytes())


def test_the_floor_is_a_share_of_each_module() -> None:
    found = {
        name: {"mutants": 999, "tried": mutants, "noticed": noticed}
        for name, mutants, noticed in ((ONE, 20, 17), (TWO, 20, 16), (BOARD, 0, 0))
    }
    assert [share(record) for record in found.values()] == [0.85, 0.8, 1]
    assert below(found, 0.85) == [TWO]
    assert below(found, 0) == []


def test_no_group_begins_after_the_minutes() -> None:
    at = iter([100.0, 100.0, 219.9, 220.0, 220.1])
    left: list[Group] = []
    five = [Group(str(i), (), ()) for i in range(4)]
    assert list(in_time(five, 2, lambda: next(at), left)) == five[:2]
    assert left == five[2:]
    assert list(in_time(five, None, lambda: 0.0, left)) == five and left == five[2:]


def stand_in(noticed: dict[str, int]) -> Any:
    """A run in which so many of ten mutants of each module were noticed."""

    def run(
        group: Group, folder: Path, children: int, *, again: bool, sample: int | None
    ) -> dict[str, Any]:
        return {
            module: {"mutants": 10, "tried": 10, "noticed": noticed[module], "survivors": []}
            for module in group.modules
        }

    return run


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a run that finds what it is told to: the record, the floor and what is left."""
    path = tmp_path / "mutation.json"
    path.write_text(json.dumps({"spurbench/z.py": {"mutants": 1}}))
    monkeypatch.setattr(tool, "groups", lambda: GROUPS)
    monkeypatch.setattr(tool, "run", stand_in({ONE: 9, TWO: 8, BOARD: 10}))

    def call(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["mutation", *words])
        tool.main()

    with pytest.raises(SystemExit, match=f"^less than 85% noticed: {TWO}$"):
        call("--record", str(path), "--floor", "0.85")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        [ONE, "9/", "10", "90%"],
        [TWO, "8/", "10", "80%"],
        [BOARD, "10/", "10", "100%"],
    ]
    assert list(tool.read(path)) == [
        *("builders/spurbench_builders/b.py", "leaderboard/spurbench_leaderboard/c.py"),
        *("spurbench/a.py", "spurbench/z.py"),
    ]
    call("second", "--floor", "1")
    assert capsys.readouterr().out.split()[0] == BOARD
    call("--minutes", "0")
    assert capsys.readouterr().out == "no time was left for: first, second\n"
    with pytest.raises(SystemExit, match="no group 'third'; known: first, second"):
        call("third")


def test_a_sample_is_drawn_by_seed_and_what_was_tried_counts(tmp_path: Path) -> None:
    names = [f"a.x_f__mutmut_{i}" for i in range(40)]

    def drawn(most: int, seed: int, codes: dict[str, int | None]) -> dict[str, int | None]:
        meta = tmp_path / "mutants" / f"{ONE}.meta"
        meta.parent.mkdir(parents=True, exist_ok=True)
        meta.parent.joinpath("spurbench").mkdir(exist_ok=True)
        meta.write_text(json.dumps({"exit_code_by_key": codes}))
        draw(tmp_path, [ONE], most, seed)
        found: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        return found

    fresh: dict[str, int | None] = dict.fromkeys(names)
    first = drawn(15, 0, fresh)
    open_ = {name for name, code in first.items() if code is None}
    assert len(open_) == 15 and set(first.values()) == {None, SKIPPED}
    assert drawn(15, 0, dict(reversed(fresh.items()))) == first, "by name, not by place"
    assert drawn(15, 1, fresh) != first
    assert drawn(40, 0, first) == fresh, "a larger sample takes in what was left out"
    tried = {**first, min(open_): 1, max(set(names) - open_): 0}
    again = drawn(15, 0, tried)
    assert again[min(open_)] == 1 and again[max(set(names) - open_)] == 0


def test_a_group_whose_tests_fail_by_themselves_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others run all the same; what was recorded of it before stays."""
    path = tmp_path / "mutation.json"
    path.write_text(json.dumps({"spurbench/a.py": {"mutants": 1}}))
    whole = stand_in({ONE: 9, TWO: 9, BOARD: 10})

    def run(group: Group, *words: Any, **options: Any) -> dict[str, Any]:
        if group.name == "first":
            raise tool.GroupError("first: mutmut ended with 1; see log")
        found: dict[str, Any] = whole(group, *words, **options)
        return found

    monkeypatch.setattr(tool, "groups", lambda: GROUPS)
    monkeypatch.setattr(tool, "run", run)
    monkeypatch.setattr(sys, "argv", ["mutation", "--record", str(path)])
    with pytest.raises(SystemExit, match="^nothing can be said of: first$"):
        tool.main()
    assert "first: mutmut ended with 1" in capsys.readouterr().out
    recorded = json.loads(path.read_text())
    assert recorded["spurbench/a.py"] == {"mutants": 1}
    assert recorded["leaderboard/spurbench_leaderboard/c.py"]["noticed"] == 10
