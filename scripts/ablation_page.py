"""Writes docs/ablation.md, its plot and the README's table from a recorded ablation.

    spurbench ablate --classes all --seeds 5 --out build/ablation
    python scripts/ablation_page.py build/ablation/ablation.json

Without an argument it renders docs/runs/ablation.json again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spurbench.files import write_bytes, write_text
from spurbench_builders.ablation.report import plot, report, table1

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "runs" / "ablation.json"
BEGIN, END = "<!-- table1:begin -->", "<!-- table1:end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("record", type=Path, nargs="?", default=RECORD)
    record = json.loads(parser.parse_args().record.read_text(encoding="utf-8"))
    write_text(RECORD, json.dumps(record, separators=(",", ":")) + "\n")
    write_bytes(ROOT / "docs" / "images" / "ablation.png", plot(record))
    page = f"# What each part of the method does\n\n{report(record, 'images/ablation.png')}"
    write_text(ROOT / "docs" / "ablation.md", page)
    _into_readme(
        f"Spurious accuracy in %, reference pool / generated: recipe `{record['recipe']}`, "
        f"{record['images']} generated pictures a class and seed, mean of {len(record['seeds'])} seeds, "
        f"95 % intervals over classes and seeds.\n\n{table1(record)}"
    )


def _into_readme(table: str) -> None:
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    write_text(readme, f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
