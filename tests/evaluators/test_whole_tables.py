"""Tables are never cut: every number is there at 80 columns, at 60 and through a pipe."""

from __future__ import annotations

import io
import re

import pytest
from rich import box
from rich.console import Console
from rich.table import Table

from spurbench_evaluators.output import print_table

ROWS = {
    "sulphur_butterfly": ("97.0 [95.1, 100.0]", "100.0 [99.5, 100.0]", "98.25 [12.5, 100.0]"),
    "timm/tf_efficientnet_lite0.in1k": ("0.1 [0.0, 3.2]", "61.1 [32.3, 89.9]", "5.0 [1.1, 9.9]"),
    "generated minus references": ("-43.4 [-48.4, -38.8]", "0.0001", "+20.0 [+3.4, +36.6]"),
}


def table() -> Table:
    """As the tables of results are: a column of names, and numbers that may not wrap."""
    made = Table(
        title="a model on a data set", box=box.SIMPLE_HEAD, padding=(0, 0), collapse_padding=True
    )
    made.add_column("class", no_wrap=True)
    for title in ("references", "generated", "val. accuracy"):
        made.add_column(title, justify="right", no_wrap=True)
    for name, cells in ROWS.items():
        made.add_row(name, *cells)
    return made


def printed(**how: object) -> list[str]:
    buffer = io.StringIO()
    print_table(table(), Console(file=buffer, no_color=True, **how))  # type: ignore[arg-type]
    return buffer.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 60])
def test_on_a_screen_every_number_is_whole(width: int) -> None:
    lines = printed(width=width, force_terminal=True)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert max(map(len, plain)) <= width and "…" not in "".join(plain)
    words = [word for line in plain for word in line.split()]
    for cells in ROWS.values():
        for cell in cells:
            assert set(cell.split()) <= set(words), cell
    letters = "".join(words)
    for column in ("references", "generated", "accuracy"):
        assert column in letters


def test_a_pipe_gets_every_row_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = printed()
    for name, cells in ROWS.items():
        (line,) = [line for line in lines if name in line]
        assert all(cell in line for cell in cells)


def test_columns_are_heeded_where_they_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert max(map(len, printed())) <= 72
