"""The verdict on SFSL by docs/sfsl-plan.md, from a recorded ablation.

    spurbench ablate --classes all --seeds 10 --readings attract --kappas K --contexts 0 \\
        --also micro-lora,micro-textual-inversion --out build/verdict
    python -m scripts.validity.verdict build/verdict/ablation.json     # takes it into the record
    python -m scripts.validity.verdict                                 # the page again, from the record
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spurbench.errors import UserError
from spurbench.files import write_text
from spurbench.scores.significance import holm
from spurbench.scores.statistics import Estimate, crossed_mean, crossed_p_value
from spurbench_builders.ablation.analysis import (
    clean_accuracy,
    object_rate,
    percent,
    share_estimate,
    values,
)
from spurbench_builders.ablation.variants import TEXT_ENCODER, VANILLA

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "runs" / "sfsl.json"
SMALLEST, LEVEL = 0.05, 0.05
"""The smallest difference worth having, and the level of the tests."""
CLASSES, SEEDS, IMAGES = 12, list(range(10)), 75
LORA, INVERSION = "micro-lora", "micro-textual-inversion"


@dataclass(frozen=True)
class Difference:
    """One of the plan's four, with its interval and its p-value after Holm."""

    subject: str
    beside: str
    gap: Estimate
    p_value: float

    @property
    def verdict(self) -> str:
        """The plan's word for it, and the points it goes with."""
        low, high = 100 * self.gap.low, 100 * self.gap.high
        if self.gap.low > 0 and self.p_value < LEVEL:
            return f"**helps**, by {low:.1f} to {high:.1f} points"
        if self.gap.high < 0 and self.p_value < LEVEL:
            return f"**hurts**, by {-high:.1f} to {-low:.1f} points"
        if self.gap.low > -SMALLEST and self.gap.high < SMALLEST:
            return f"**cannot matter** by more than {max(-low, high):.1f} points"
        return f"is **not settled**: it lies between {low:+.1f} and {high:+.1f} points"


def differences(record: dict[str, Any]) -> list[Difference]:
    """The plan's four differences, in its order."""
    sfsl = with_sfsl(record)
    pairs = [
        ("SFSL", "the same recipe without it", sfsl, TEXT_ENCODER),
        ("The trainable text encoder", "vanilla DreamBooth", TEXT_ENCODER, VANILLA),
        ("`lora`", "the recipe with SFSL", LORA, sfsl),
        ("`textual-inversion`", "the recipe with SFSL", INVERSION, sfsl),
    ]
    tables = [
        values(record, one, clean_accuracy) - values(record, other, clean_accuracy)
        for _, _, one, other in pairs
    ]
    p_values = holm([crossed_p_value(table) for table in tables])
    return [
        Difference(subject, beside, crossed_mean(table), p)
        for (subject, beside, _, _), table, p in zip(pairs, tables, p_values, strict=True)
    ]


def with_sfsl(record: dict[str, Any]) -> str:
    """The name of the one row of SFSL in the reading `attract`; UserError where there is another
    number of them."""
    names = [row["name"] for row in record["variants"] if row.get("reading") == "attract"]
    if len(names) != 1:
        raise UserError(f"the plan has one row of attract, the record {len(names)}")
    return str(names[0])


def departures(record: dict[str, Any]) -> list[str]:
    """In what the runs are not those of the plan."""
    found = []
    if len(record["classes"]) != CLASSES:
        found.append(f"{len(record['classes'])} classes instead of {CLASSES}")
    if record["seeds"] != SEEDS:
        found.append(f"seeds {record['seeds']} instead of 0 to 9")
    if record["images"] != IMAGES:
        found.append(f"{record['images']} pictures a class and seed instead of {IMAGES}")
    return found


def page(record: dict[str, Any]) -> str:
    """The page."""
    found = differences(record)
    titles = {row["name"]: row["title"] for row in record["variants"]}
    names = [VANILLA, TEXT_ENCODER, with_sfsl(record), LORA, INVERSION]
    rows = [
        f"| {titles[name]} | {percent(share_estimate(values(record, name, clean_accuracy)))} | "
        f"{percent(share_estimate(values(record, name, object_rate)))} |"
        for name in names
    ]
    table = [
        f"| {d.subject} beside {d.beside} | {100 * d.gap.value:+.1f} [{100 * d.gap.low:+.1f}, "
        f"{100 * d.gap.high:+.1f}] | {d.p_value:.2g} | {d.verdict} |"
        for d in found
    ]
    off = departures(record)
    note = f"\n\n**Not as planned:** {'; '.join(off)}." if off else ""
    return f"""# Does SFSL help?

Written by `python -m scripts.validity.verdict` from `docs/runs/sfsl.json`, by [a plan](sfsl-plan.md) that was written before.
{len(record["classes"])} classes, {len(record["seeds"])} seeds, {record["images"]} pictures each; pictures that show the object are misses.{note}

{sentence(found[0])}

| | difference, points | p, after Holm | |
|---|---|---|---|
{chr(10).join(table)}

| row | spurious accuracy, % | object found, % |
|---|---|---|
{chr(10).join(rows)}
"""


def sentence(found: Difference) -> str:
    """The verdict in a line, as the README has it."""
    return f"{found.subject}, beside {found.beside}, {found.verdict}."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("record", type=Path, nargs="?", default=RECORD)
    record = json.loads(parser.parse_args().record.read_text(encoding="utf-8"))
    write_text(RECORD, json.dumps(record, separators=(",", ":")) + "\n")
    write_text(ROOT / "docs" / "sfsl.md", page(record))


if __name__ == "__main__":
    main()
