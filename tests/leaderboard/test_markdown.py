"""The leaderboard's table: ranked, versions apart, nothing escapes its cell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.errors import UserError
from spurbench.results import write_result
from spurbench_leaderboard.command import render
from spurbench_leaderboard.markdown import BEGIN, END, escape, leaderboard, replace_between
from tests.core.test_results import made_result


def test_least_reliant_first_with_intervals() -> None:
    table = leaderboard([made_result("micro/b", 0.9), made_result("micro/a", 0.4)])
    rows = [line for line in table.splitlines() if line.startswith("| ") and "`" in line]
    assert rows[0].startswith("| 1 | `micro/a` | 40.0 [35.0, 45.0] |")
    assert rows[1].startswith("| 2 | `micro/b` | 90.0 [85.0, 95.0] |")


def test_versions_are_never_mixed() -> None:
    text = leaderboard([made_result(version="c1"), made_result(version="c2")])
    assert text.count("| # | model |") == 2


@given(st.text())
def test_nothing_escapes_its_cell(text: str) -> None:
    safe = escape(text)
    assert "<" not in safe and ">" not in safe and "`" not in safe and "\n" not in safe
    assert len(re.split(r"(?<!\\)\|", safe)) == 1 and "\\\\" not in safe


def test_render_writes_between_the_markers_only(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    result = made_result()
    write_result(result, result.path_under(tmp_path / "results"))
    with pytest.raises(UserError, match="out of date"):
        render(tmp_path / "results", readme, check=True)
    render(tmp_path / "results", readme, check=False)
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n") and text.endswith(f"{END}\nafter\n")
    assert "micro/vit" in text and "old" not in text
    render(tmp_path / "results", readme, check=True)


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, BEGIN + BEGIN + END])
def test_markers_must_be_there_once(text: str) -> None:
    with pytest.raises(UserError, match="needs the lines"):
        replace_between(text, "x", "README.md")
