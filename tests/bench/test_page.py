"""docs/performance.md says what the records say."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_as_the_script_writes_it() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "performance.py"))
    assert script["page"]() == (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
