"""Writes the table of findings in docs/verify.md from the kinds that there are.

python scripts/verify_page.py
"""

from __future__ import annotations

from pathlib import Path

from spurbench.files import write_text
from spurbench_publishing.verify.kinds import KINDS

PAGE = Path(__file__).parents[1] / "docs" / "verify.md"
BEGIN, END = "<!-- kinds:begin -->", "<!-- kinds:end -->"


def page(text: str) -> str:
    """The page with the table between its markers."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows = [
        f"| `{name}` | {kind.severity} | {kind.title} | {kind.way_out} |"
        for name, kind in KINDS.items()
    ]
    table = ["| kind | severity | meaning | way out |", "|---|---|---|---|", *rows]
    return "\n".join([before + BEGIN, *table, END + after])


if __name__ == "__main__":
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8")))
