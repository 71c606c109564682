"""What the commands print: tables for people, or one JSON object; and the code they end with."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from spurbench.printing import print_json
from spurbench.results import Result, Unreadable
from spurbench.scores.comparison import compare
from spurbench.scores.stored import Outcome, install
from spurbench_evaluators import output
from spurbench_evaluators.output import show_list, show_outcomes
from spurbench_evaluators.run.model_list import ListedModel
from spurbench_evaluators.run.one_by_one import Ended, Failure
from tests.core.scores.made import made

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as wide as they like."""
    monkeypatch.setattr(output, "Console", lambda: Console(width=200))


def outcome(folder: Path, seed: int, *, stored: bool = False) -> Outcome:
    from spurbench.scores.predictions import encode

    said = made(seed, spec=f"made/m{seed}").predictions
    return replace(install(encode(said.table, said.provenance), folder), stored=stored)


def left_out(one: Outcome) -> Outcome:
    """The same with a picture that could not be read."""
    broken = Unreadable(slug="cow", split="si", index=9, origin="o", sha256="0" * 64, reason="cut")
    data = one.result.data.model_copy(update={"unreadable": [broken]})
    return replace(one, result=one.result.model_copy(update={"data": data}))


def test_each_model_has_its_table_and_its_files(tmp_path: Path, capsys: Printed) -> None:
    first = outcome(tmp_path, 1)
    show_outcomes([first], json_output=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "made/m1 on made c1"
    assert lines[-2:] == [f"result: {first.path}", f"predictions: {first.predictions_path}"]
    assert not any("unreadable" in line or "models on" in line for line in lines)
    again = left_out(replace(first, stored=True))
    show_outcomes([again], json_output=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:-1] == [
        "left out as unreadable: 1 pictures (cow/si/9)",
        f"result: {first.path} (stored before, nothing changed; --fresh scores again)",
    ]


def test_two_models_are_compared_after_their_tables(tmp_path: Path, capsys: Printed) -> None:
    both = [outcome(tmp_path, 1), outcome(tmp_path, 2)]
    show_outcomes(both, json_output=False)
    shown = capsys.readouterr().out
    order = [
        shown.index(said)
        for said in ("made/m1 on made", "made/m2 on made", "2 models on the same pictures")
    ]
    assert order == sorted(order) and "made/m1 - made/m2" in shown


def test_json_is_one_object_with_everything(tmp_path: Path, capsys: Printed) -> None:
    first, second = outcome(tmp_path, 1), outcome(tmp_path, 2, stored=True)
    show_outcomes([first], json_output=True)
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1 and shown.err == ""
    assert json.loads(shown.out) == {
        "results": [first.result.model_dump()],
        "stored": [False],
        "comparison": None,
    }
    show_outcomes([first, second], json_output=True)
    assert json.loads(capsys.readouterr().out) == {
        "results": [first.result.model_dump(), second.result.model_dump()],
        "stored": [False, True],
        "comparison": compare([first.predictions, second.predictions]).model_dump(),
    }
    print_json({"ä": 1})
    assert capsys.readouterr().out == '{"\\u00e4": 1}\n'


def line(spec: str, number: int, more: str = "") -> ListedModel:
    return ListedModel(spec, None, None, None, None, None, f"{spec}{more}", number)


FILE = Path("a [b]/models.txt")


def shown_list(ended: list[Ended], *, json_output: bool = False) -> tuple[int, list[str]]:
    """The exit code, and what the console was given."""
    told = io.StringIO()
    console = Console(file=told, width=40)
    code = show_list(iter(ended), FILE, console, json_output=json_output)
    return code, told.getvalue().splitlines()


def test_a_list_tells_each_end_then_one_table(tmp_path: Path, capsys: Printed) -> None:
    first, second = outcome(tmp_path, 1), left_out(outcome(tmp_path, 2, stored=True))
    code, told = shown_list([(line("made/m1", 1), first), (line("made/m2", 3, " --x"), second)])
    assert code == 0
    assert told == [
        f"result: {first.path}",
        "left out as unreadable: 1 pictures (cow/si/9)",
        f"result: {second.path} (stored before, nothing changed; --fresh scores again)",
    ]
    shown = capsys.readouterr()
    assert shown.err == "" and "2 models on made c1" in shown.out
    names = [row.split()[0] for row in shown.out.splitlines() if row.strip().startswith("made/")]
    assert names == ["made/m1", "made/m2"]
    assert "--x" not in shown.out


def test_a_spec_that_stands_twice_is_named_with_its_options(
    tmp_path: Path, capsys: Printed
) -> None:
    one, two = outcome(tmp_path, 1), outcome(tmp_path, 2)
    ended = [
        (line("made/m1", 1), one),
        (line("made/m1", 2, " --y"), two),
        (line("made/m2", 3, " --z"), two),
    ]
    assert shown_list(ended)[0] == 0  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert "made/m1 --y" in out and "--z" not in out


USERS = Failure("no such [file]", None)
FAULT = Failure("LookupError: deep", "Traceback\nLookupError: deep\n")


@pytest.mark.parametrize(
    ("failures", "code"), [([USERS], 2), ([FAULT], 1), ([USERS, FAULT], 1), ([FAULT, USERS], 1)]
)
def test_failures_are_told_as_they_come_and_again_at_the_end(
    tmp_path: Path, capsys: Printed, failures: list[Failure], code: int
) -> None:
    fine = outcome(tmp_path, 1)
    ended: list[Ended] = [
        (line("made/bad", number, " --x"), failure) for number, failure in enumerate(failures, 4)
    ]
    ended.append((line("made/m1", 9), fine))
    found, told = shown_list(ended)
    assert found == code
    assert told == [*(f"failed: {f.error}" for f in failures), f"result: {fine.path}"]
    shown = capsys.readouterr()
    traces = "".join(f.traceback for f in failures if f.traceback)
    ends = [
        f"spurbench: {FILE}, line {n}: made/bad --x: {f.error}" for n, f in enumerate(failures, 4)
    ]
    assert shown.err == traces + "".join(f"{end}\n" for end in ends)
    assert "1 models on made c1" in shown.out
    found, _ = shown_list(ended, json_output=True)
    assert found == code
    assert json.loads(capsys.readouterr().out) == {
        "results": [fine.result.model_dump()],
        "stored": [False],
        "failed": [
            {"spec": "made/bad", "line": n, "error": f.error} for n, f in enumerate(failures, 4)
        ],
    }


def test_where_nothing_was_scored_there_is_no_table(capsys: Printed) -> None:
    code, told = shown_list([(line("made/bad", 2), USERS)])
    assert (code, told) == (2, ["failed: no such [file]"])
    assert capsys.readouterr().out == ""
    assert shown_list([], json_output=True)[0] == 0
    assert json.loads(capsys.readouterr().out) == {"results": [], "stored": [], "failed": []}


def test_a_result_is_shown_as_it_is_stored(tmp_path: Path, capsys: Printed) -> None:
    one = outcome(tmp_path, 3)
    show_outcomes([one], json_output=True)
    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert one.path is not None
    assert told == json.loads(one.path.read_text(encoding="utf-8"))
    assert Result.model_validate(told) == one.result
