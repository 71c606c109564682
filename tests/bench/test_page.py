"""docs/performance.md says what the records say."""

from __future__ import annotations

import json

from scripts.performance.__main__ import page as performance_page
from spurbench_builders.ablation.report import report, table1
from tests.conftest import ROOT


def test_the_page_is_as_the_script_writes_it() -> None:
    assert performance_page() == (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


def test_the_ablation_page_says_what_its_record_says() -> None:
    """The tables and the verdict are the recorded counts', in docs/ablation.md and the README."""
    record = json.loads((ROOT / "docs" / "runs" / "ablation.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "ablation.md").read_text(encoding="utf-8")
    assert page.endswith(report(record, "images/ablation.png"))
    assert table1(record) in (ROOT / "README.md").read_text(encoding="utf-8")
