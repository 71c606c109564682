"""docs/verify.md lists every kind of finding, as the script writes it, and says the thresholds that hold."""

from __future__ import annotations

import runpy

from spurbench_publishing.verify.duplicates import WIDTH
from spurbench_publishing.verify.rows import NEAR
from spurbench_publishing.verify.show import SHOWN
from tests.conftest import ROOT


def test_the_page_is_as_the_script_writes_it() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "verify_page.py"))
    text = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    assert made["page"](text) == text, "out of date: run python scripts/verify_page.py"


def test_the_page_says_the_numbers_that_hold() -> None:
    text = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    assert f"distance below {NEAR}" in text
    assert SHOWN == 10 and "shows ten places" in text
    assert f"for duplicates {2 * WIDTH + 8} bytes" in text
