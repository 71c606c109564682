"""docs/seeds.md, from the cells that `scripts.validity.noise` left.

python -m scripts.validity.noise_page --work build/noise     # takes the cells into the record
python -m scripts.validity.noise_page                        # the page again, from the record
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from spurbench.files import write_text

from .variance import Effect, variance_components

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "runs" / "seeds.json"
SEEDS = ("references", "training", "samples")
AXES = ("class", *SEEDS)
Table = NDArray[np.float64]


def table_of(cells: list[dict[str, Any]]) -> Table:
    """Spurious accuracy (K, R, T, P) without pictures that show the object; ValueError where cells of
    the crossed design are missing."""
    keys = ("class_name", *SEEDS)
    levels = [sorted({cell[key] for cell in cells}) for key in keys]
    table = np.full([len(level) for level in levels], np.nan)
    for cell in cells:
        place = tuple(level.index(cell[key]) for key, level in zip(keys, levels, strict=True))
        table[place] = np.mean(cell["clean"]) / cell["n"]
    if np.isnan(table).any():
        raise ValueError(f"{int(np.isnan(table).sum())} cells are missing")
    return table


def of_a_build(found: dict[Effect, float], classes: int) -> dict[str, float]:
    """The variance of a build's mean over so many given classes when one seed decides all: what
    references, training and samples add, each with its interaction with the class, and what comes of
    two or three of them together."""
    parts = dict.fromkeys([*SEEDS, "together"], 0.0)
    for effect, variance in found.items():
        seeds = [axis for axis in effect if axis > 0]
        if seeds:
            name = AXES[seeds[0]] if len(seeds) == 1 else "together"
            parts[name] += variance / (classes if 0 in effect else 1)
    return parts


def seed_means(cells: list[dict[str, Any]]) -> Table:
    """The mean over classes of each seed, of builds with one seed for all."""
    seeds = sorted({cell["training"] for cell in cells})
    return np.array(
        [
            np.mean([np.mean(c["clean"]) / c["n"] for c in cells if c["training"] == seed])
            for seed in seeds
        ]
    )


def spread(means: Table) -> tuple[float, float, float]:
    """Standard deviation of seed means with its 95 % interval (chi-squared)."""
    freedom = len(means) - 1
    value = float(np.std(means, ddof=1))
    low, high = stats.chi2.ppf([0.975, 0.025], freedom)
    return value, value * float(np.sqrt(freedom / low)), value * float(np.sqrt(freedom / high))


def page(record: dict[str, Any]) -> str:
    """The page."""
    crossed = {n: r["cells"] for n, r in record.items() if r["design"] == "crossed"}
    builds = {n: r for n, r in record.items() if r["design"] == "same"}
    return "\n\n".join([HEAD, _crossed(crossed), _builds(builds)]) + "\n"


HEAD = """# What a seed is worth

Written by `python -m scripts.validity.noise_page` from `docs/runs/seeds.json`. Spurious accuracy of generated pictures, mean
over the panel, pictures that show the object as misses; in points."""


def _crossed(names: dict[str, list[dict[str, Any]]]) -> str:
    rows = []
    for name, cells in names.items():
        table = table_of(cells)
        parts = of_a_build(variance_components(table), table.shape[0])
        whole = sum(parts.values())
        shares = " | ".join(f"{100 * v**0.5:.1f} ({v / whole:.0%})" for v in parts.values())
        rows.append(f"| {name} | {100 * table.mean():.1f} | {shares} | {100 * whole**0.5:.1f} |")
    return f"""## Where the spread comes from

A build has one seed. Here the references that it draws, its training (with the prior pictures) and its samples have seeds
of their own, all crossed with one another and with the classes. Standard deviation, and share of the variance, of a
build's mean over the classes: what each adds alone, and together with others.

| recipe | mean | references | training | samples | together | all |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}"""


def _builds(names: dict[str, Any]) -> str:
    rows = []
    for name, found in names.items():
        means = seed_means(found["cells"])
        value, low, high = spread(means)
        classes = len({cell["class_name"] for cell in found["cells"]})
        seeds = sorted({cell["training"] for cell in found["cells"]})
        rows.append(
            f"| {name} | {', '.join(found['set']) or '-'} | {classes} | {seeds[0]} to {seeds[-1]} | "
            f"{100 * means.mean():.1f} | {100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}] |"
        )
    return f"""## What was tried against it

Builds with one seed for all, as `spurbench build` makes them. The last column is the standard deviation of a build's mean
over the classes from seed to seed, with its 95 % interval.

| name | changed settings | classes | seeds | mean | between seeds |
|---|---|---|---|---|---|
{chr(10).join(rows)}"""


def taken(work: Path) -> dict[str, Any]:
    """The record of all files of cells in a work folder."""
    record = {}
    for path in sorted(work.glob("*.jsonl")):
        cells = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        settings = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        same = all(len({cell[key] for key in SEEDS}) == 1 for cell in cells)
        design = "same" if same else "crossed"
        record[path.stem] = {"set": settings["set"], "design": design, "cells": cells}
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--work", type=Path, help="take the cells of this folder into the record")
    work = parser.parse_args().work
    if work is not None:
        write_text(RECORD, json.dumps(taken(work), separators=(",", ":")) + "\n")
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    write_text(ROOT / "docs" / "seeds.md", page(record))


if __name__ == "__main__":
    main()
