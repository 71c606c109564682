"""docs/transfer.md, from the cells that `scripts.validity.transfer` left.

python -m scripts.validity.transfer_page --work build/validity   # takes the cells into the record
python -m scripts.validity.transfer_page                         # the page again, from the record
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spurbench.files import write_text
from spurbench.scores.statistics import Estimate, crossed_mean
from spurbench_builders.recipes.files import load_recipe

from .transfer import NOBODY

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "runs" / "transfer.json"
Table = NDArray[np.float64]


def whole(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells of classes and seeds that every way of selecting has."""
    ways = {cell["left_out"] for cell in cells}
    found: dict[tuple[str, int], set[str]] = {}
    for cell in cells:
        found.setdefault((cell["class_name"], cell["seed"]), set()).add(cell["left_out"])
    classes = {k for k, _ in found}
    seeds = {s for _, s in found}
    kept = {k for k in classes if all(found.get((k, s)) == ways for s in seeds)}
    return [cell for cell in cells if cell["class_name"] in kept]


def shares(cells: list[dict[str, Any]], left_out: str, member: int | str) -> Table:
    """Share (K, S) of pictures that a panel member (by number) or a network of the zoo (by name) takes
    for the class, in sets that were selected without ``left_out``."""
    mine = [cell for cell in cells if cell["left_out"] == left_out]
    classes = sorted({cell["class_name"] for cell in mine})
    seeds = sorted({cell["seed"] for cell in mine})
    table = np.full((len(classes), len(seeds)), np.nan)
    for cell in mine:
        hits = cell["zoo"][member] if isinstance(member, str) else cell["hits"][member]
        place = classes.index(cell["class_name"]), seeds.index(cell["seed"])
        table[place] = hits / cell["n"]
    return table


def page(record: dict[str, Any]) -> str:
    """The page."""
    cells, panel = whole(record["cells"]), record["panel"]
    classes = len({cell["class_name"] for cell in cells})
    seeds = sorted({cell["seed"] for cell in cells})
    left = sorted({c["class_name"] for c in record["cells"]} - {c["class_name"] for c in cells})
    rows = []
    for i, spec in enumerate(panel):
        without, everyone = shares(cells, spec, i), shares(cells, NOBODY, i)
        others = np.mean([shares(cells, spec, j) for j in range(len(panel)) if j != i], axis=0)
        rows.append(
            f"| `{spec}` | {_percent(without)} | {_percent(everyone)} | "
            f"{_signed(crossed_mean(without - everyone))} | {_percent(others)} | "
            f"{_signed(crossed_mean(without - others))} |"
        )
    note = f" Left out for too few references: {', '.join(left)}." if left else ""
    return f"""# Does one network's set fool others?

Written by `python -m scripts.validity.transfer_page` from `docs/runs/transfer.json`. Each panel member in turn has no part in
selecting the references; the three others select, the model is trained and sampled as ever, and all four judge.
{classes} classes, seeds {", ".join(map(str, seeds))}; shares in %, intervals of 95 % clustered by class and by seed.{note}

| left out | takes for the class | when all four select | difference | the three that selected | difference |
|---|---|---|---|---|---|
{chr(10).join(rows)}

## Networks that had no part in anything

Networks of [the zoo](validity.md), on sets selected by all four; none of them selected, trained or was looked at.

{_zoo(cells, panel)}
"""


def _zoo(cells: list[dict[str, Any]], panel: list[str]) -> str:
    names = list(cells[0]["zoo"])
    own = np.mean([shares(cells, NOBODY, i) for i in range(len(panel))], axis=0)
    rows = [f"| the panel itself | {_percent(own)} | |"]
    for name in names:
        table = shares(cells, NOBODY, name)
        rows.append(f"| `{name}` | {_percent(table)} | {_signed(crossed_mean(table - own))} |")
    return "\n".join(
        ["| network | takes for the class | beside the panel |", "|---|---|---|", *rows]
    )


def _percent(table: Table) -> str:
    found = crossed_mean(table)
    low, high = (min(max(v, 0.0), 1.0) for v in (found.low, found.high))
    return f"{100 * found.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _signed(found: Estimate) -> str:
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--work", type=Path, help="take the cells of this folder into the record")
    work = parser.parse_args().work
    if work is not None:
        lines = (work / "transfer.jsonl").read_text(encoding="utf-8").splitlines()
        record = {
            "panel": [network.spec for network in load_recipe("micro").panel],
            "cells": [json.loads(line) for line in lines],
        }
        write_text(RECORD, json.dumps(record, separators=(",", ":")) + "\n")
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    write_text(ROOT / "docs" / "transfer.md", page(record))


if __name__ == "__main__":
    main()
