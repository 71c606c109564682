"""docs/bad-input.md says what its record says."""

from __future__ import annotations

import json

from scripts.bad_input_page import PAGE, RECORD, page


def test_the_page_is_as_the_script_writes_it() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    said = "out of date: run python -m scripts.bad_input_page"
    assert page(record) == PAGE.read_text(encoding="utf-8"), said
    assert record["cases"] >= 1000 and sum(record["by_command"].values()) == record["cases"]


def test_faults_are_told() -> None:
    record = {"seed": 7, "cases": 12, "refused": 8, "accepted": 3, "faults": 1}
    text = page(record | {"kinds": {"hung": 1}, "by_command": {"eval": 5, "list": 7}})
    assert (
        "seed 7: 12 calls, of which 8 were refused" in text and "1 were met badly (hung: 1)" in text
    )
    assert "| `eval` | 5 |\n| `list` | 7 |\n| all | 12 |" in text
