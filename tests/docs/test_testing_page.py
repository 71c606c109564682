"""docs/testing.md says what the record of mutants says, however much of it there is."""

from __future__ import annotations

from typing import Any

from scripts.mutation.__main__ import RECORD, read
from scripts.mutation_page import page
from tests.conftest import ROOT


def survivor(function: str, **more: str) -> dict[str, str]:
    return {"function": function, "before": "a = 1", "after": "a = 2", **more}


def module(tried: int, noticed: int, *survivors: dict[str, str]) -> dict[str, Any]:
    counts = {"mutants": 2 * tried, "tried": tried, "noticed": noticed}
    return {"sha256": "0" * 64, "tool": "mutmut 3", **counts, "survivors": list(survivors)}


def test_the_page_is_as_the_script_writes_it() -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    assert page(read(RECORD)) == text, "out of date: run python -m scripts.mutation_page"


def test_every_mark_is_told() -> None:
    text = page({})
    for mark in ("slow", "beside", "diffusers_script", "mount", "robustbench", "browser"):
        assert text.count(f"| `{mark}` | ") == 1
    assert "Nothing is recorded yet." in text and "What was not noticed" not in text


def test_shares_and_survivors_by_reason() -> None:
    whole = module(3, 3)
    part = module(
        300,
        298,
        survivor("f"),
        survivor("h", reason="It is the default."),
        survivor("g", reason="It is the default.", after="```" + "x" * 300),
    )
    text = page({"b/two.py": part, "a/one.py": whole})
    assert text.index("| `a/one.py` | 6 | 3 | 3 | 100 % |") < text.index(
        "| `b/two.py` | 600 | 300 | 298 | 99 %"
    )
    assert "| all | 606 | 303 | 301 | 99 % |" in text
    _, _, after = text.partition("### `b/two.py`\n\n")
    said = [line for line in after.splitlines() if line]
    assert said[:2] == ["It is the default.", "```diff"]
    assert said[2:5] == ["@@ h @@", "- a = 1", "+ a = 2"]
    assert said[7] == "+ '''" + "x" * 157 + " ..."
    assert said[8:] == [
        *("```", "No reason is recorded.", "```diff", "@@ f @@", "- a = 1", "+ a = 2", "```")
    ]
    assert "### `a/one.py`" not in text


def test_a_record_without_survivors_ends_with_its_table() -> None:
    text = page({"a/one.py": module(0, 0)})
    assert text.endswith("| `a/one.py` | 0 | 0 | 0 | 100 % |\n| all | 0 | 0 | 0 | 100 % |\n")
