"""What the commands print: tables for people, or one JSON object."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from spurbench.printing import console as screen
from spurbench.printing import one_line, out, print_json, tell
from spurbench.results import Result
from spurbench.scores import comparison
from spurbench.scores.stored import Outcome
from spurbench_evaluators.report.tables import (
    comparison_table,
    models_table,
    score_table,
    unreadable_note,
)
from spurbench_evaluators.run.model_list import ListedModel
from spurbench_evaluators.run.one_by_one import Ended, Failure

WIDEST = 10_000
Scored = tuple[ListedModel, Result, bool]
Failed = tuple[ListedModel, Failure]


def show_outcomes(outcomes: list[Outcome], *, json_output: bool) -> None:
    """A table a model and where its files lie, then the models' comparison; or one JSON object."""
    together = comparison.compare([o.predictions for o in outcomes]) if len(outcomes) > 1 else None
    if json_output:
        shown: dict[str, Any] = {"results": [o.result.model_dump() for o in outcomes]}
        shown["stored"] = [o.stored for o in outcomes]
        shown["comparison"] = together.model_dump() if together else None
        print_json(shown)
        return
    for outcome in outcomes:
        print_table(score_table(outcome.result))
        if outcome.result.data.unreadable:
            out(unreadable_note(outcome.result.data.unreadable))
        out(_result_line(outcome))
        out(f"predictions: {outcome.predictions_path}")
    if together:
        print_table(comparison_table(together))


def show_list(ended: Iterator[Ended], file: Path, console: Console, *, json_output: bool) -> int:
    """What becomes of each model of a list, on stderr as it ends; then a table (or one JSON object),
    then what failed. The exit code: 0, 2 for failures that are the user's to mend, 1 for others."""
    scored: list[Scored] = []
    failed: list[Failed] = []
    for model, end in ended:
        if isinstance(end, Failure):
            failed.append((model, end))
            if end.traceback:
                sys.stderr.write(end.traceback)
            _print(console, f"failed: {end.error}")
            continue
        # The predictions are let go: those of a long list need not fit the memory together.
        scored.append((model, end.result, end.stored))
        if end.result.data.unreadable:
            _print(console, unreadable_note(end.result.data.unreadable))
        _print(console, _result_line(end))
    if json_output:
        print_json(_list_as_data(scored, failed))
    elif scored:
        print_table(models_table(_names(scored)))
    for model, failure in failed:
        tell(f"spurbench: {file}, line {model.line}: {model.text}: {failure.error}")
    if any(failure.traceback for _, failure in failed):
        return 1
    return 2 if failed else 0


def show_steps(lines: list[str], *, json_output: bool) -> None:
    """What is to be done next; on stderr where stdout is for programs."""
    for line in lines:
        (tell if json_output else out)(line)


def _print(console: Console, line: str) -> None:
    console.print(one_line(line), highlight=False, markup=False, soft_wrap=True)


def _list_as_data(scored: list[Scored], failed: list[Failed]) -> dict[str, Any]:
    return {
        "results": [result.model_dump() for _, result, _ in scored],
        "stored": [stored for _, _, stored in scored],
        "failed": [
            {"spec": model.spec, "line": model.line, "error": failure.error}
            for model, failure in failed
        ],
    }


def _names(scored: list[Scored]) -> list[tuple[str, Result]]:
    """Results under their specs; with their lines' options where a spec stands more than once."""
    times = Counter(model.spec for model, _, _ in scored)
    return [(m.spec if times[m.spec] == 1 else m.text, result) for m, result, _ in scored]


def _result_line(outcome: Outcome) -> str:
    state = " (stored before, nothing changed; --fresh scores again)" if outcome.stored else ""
    return f"result: {outcome.path}{state}"


def print_table(table: Table, console: Console | None = None) -> None:
    """The table, whole: as wide as it is where nothing says how wide the screen is; on a screen
    that is narrower, cells go on in further lines, and only names are broken within a word."""
    console = console or screen()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        unbounded = console.options.update(width=WIDEST)
        console.width = max(console.width, console.measure(table, options=unbounded).maximum)
    for column in table.columns:
        column.no_wrap, column.overflow = False, "fold"
        if column.justify == "right":  # numbers
            words = f"{column.header} {' '.join(map(str, column.cells))}".split()
            column.min_width = max(map(len, words), default=0)
    console.print(table)
