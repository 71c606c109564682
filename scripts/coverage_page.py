"""Simulates how often the intervals hold the truth and the tests cry wolf, and writes docs/intervals.md.

python scripts/coverage_page.py --simulate          # minutes; records docs/runs/coverage.json
python scripts/coverage_page.py --simulate ranks    # one part of it again
python scripts/coverage_page.py               # the page again from the record
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from spurbench.files import write_text
from spurbench.scores.ranks import ranks_of
from spurbench.scores.significance import LEVEL, least_classes, sign_flip
from spurbench.scores.statistics import clustered_mean, difference_of_means

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "runs" / "coverage.json"
PAGE = ROOT / "docs" / "intervals.md"

CLASSES = (2, 3, 6, 12, 30, 100)
PICTURES = 75
RATES = {
    "Beta(3, 2)": (3.0, 2.0),
    "Beta(1, 1)": (1.0, 1.0),
    "Beta(0.5, 0.5)": (0.5, 0.5),
    "Beta(12, 8)": (12.0, 8.0),
    "Beta(2, 50)": (2.0, 50.0),
    "Beta(0.5, 10)": (0.5, 10.0),
    "Beta(30, 1)": (30.0, 1.0),
    "Beta(5, 0.5)": (5.0, 0.5),
}
"""How classes' true rates are spread: in the middle, at both ends, near 0, near 1."""
PAIRS = {
    "near 0.6, models alike": (0.4, 1.0, 0.3),
    "near 0.6, models apart": (0.4, 1.0, 1.5),
    "near 0": (-4.0, 1.0, 0.5),
    "near 1": (4.0, 1.0, 1.0),
}
"""Two equally good models: mean logit, its spread between classes, each model's own spread."""
BOARDS = {
    "all alike": ([0.0] * 12, "normal"),
    "three groups of four": ([-1.0] * 4 + [0.0] * 4 + [1.0] * 4, "normal"),
    "a step apart": ([0.25 * step for step in range(12)], "normal"),
    "all alike, odd classes": ([0.0] * 12, "skewed"),
}
"""Models' merits, and how each model's own way with a class is spread."""
BOARD_CLASSES = (6, 12, 30)
BOARD_TRIALS = 100
RESAMPLES = 500
Bounds = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def ours(hits: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hits (R, C) to the bounds that every mean over classes gets."""
    found = [
        clustered_mean({str(k): [v] for k, v in enumerate(row)}, pictures=PICTURES * len(row))
        for row in hits / PICTURES
    ]
    return np.array([e.low for e in found]), np.array([e.high for e in found])


def students_t(hits: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Student's t on class means."""
    shares, count = hits / PICTURES, hits.shape[1]
    half = t.ppf(0.975, count - 1) * shares.std(axis=1, ddof=1) / np.sqrt(count)
    return shares.mean(axis=1) - half, shares.mean(axis=1) + half


def bootstrap(hits: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two-stage percentile bootstrap: classes with replacement, then their pictures."""
    bounds = []
    for row in hits:
        picks = row[rng.integers(len(row), size=(1000, len(row)))]
        means = rng.binomial(PICTURES, picks / PICTURES).mean(axis=1) / PICTURES
        bounds.append(np.quantile(means, [0.025, 0.975]))
    low, high = np.array(bounds).T
    return low, high


METHODS: dict[str, tuple[Bounds, int]] = {
    "korn_graubard": (ours, 4000),
    "students_t": (students_t, 4000),
    "bootstrap": (bootstrap, 1000),
}


def mean_coverage(
    spread: tuple[float, float],
    classes: int,
    method: str,
    seed: int,
    trials: int | None = None,
) -> float:
    """Share of simulated benchmarks whose interval holds the true mean over classes."""
    rng = np.random.default_rng([seed, classes])
    bounds, usual = METHODS[method]
    trials = trials or usual
    rates = rng.beta(*spread, size=(trials, classes))
    low, high = bounds(rng.binomial(PICTURES, rates), rng)
    truth = spread[0] / sum(spread)
    return float(np.mean((low <= truth) & (truth <= high)))


def pair_record(
    setting: tuple[float, float, float], classes: int, trials: int = 4000
) -> dict[str, float | None]:
    """Of two equally good models: how often the interval of their difference holds 0, and how often
    the sign-flip test says that they differ."""
    middle, between, own = setting
    rng = np.random.default_rng([7, classes])
    shared = rng.normal(middle, between, (trials, classes))
    counts = [
        rng.binomial(PICTURES, 1 / (1 + np.exp(-shared - rng.normal(0, own, shared.shape))))
        for _ in range(2)
    ]
    smooth = [(k + 1) / (PICTURES + 2) for k in counts]
    spread = sum(p * (1 - p) / PICTURES for p in smooth)
    gaps = (counts[0] - counts[1]) / PICTURES
    held = np.mean([e.low <= 0 <= e.high for e in difference_of_means(gaps, np.asarray(spread))])
    p_values = sign_flip(gaps)
    alarms = None if np.isnan(p_values).all() else float(np.mean(p_values <= LEVEL))
    return {"held": float(held), "alarms": alarms}


def board(merits: np.ndarray, own: str, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Shares (N, C) of hits in pictures: classes are of their own difficulty, and each model has its
    own way with each, of one distribution for all."""
    shape = (len(merits), classes)
    ways = rng.normal(0, 0.5, shape) if own == "normal" else 1.5 * rng.exponential(1, shape) ** 1.5
    logits = merits[:, None] + rng.normal(0, 1, classes) + ways
    return np.asarray(rng.binomial(PICTURES, 1 / (1 + np.exp(-logits))) / PICTURES)


def true_ranks(merits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and largest rank that is truly each model's: several where merits are equal."""
    less = merits[:, None] < merits
    return 1 + less.sum(axis=0), len(merits) - less.sum(axis=1)


def rank_bootstrap(table: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of each model's rank over classes, as leaderboards often have it."""
    classes = table.shape[1]
    means = np.stack(
        [table[:, rng.integers(classes, size=classes)].mean(axis=1) for _ in range(RESAMPLES)]
    )
    places = 1 + means.argsort(axis=1).argsort(axis=1)
    low, high = np.quantile(places, [0.025, 0.975], axis=0, method="closest_observation")
    return low, high


def rank_record(setting: str, classes: int, trials: int = BOARD_TRIALS) -> dict[str, float]:
    """How often all intervals of a board hold the true ranks, and how many ranks one spans: ours, and
    the bootstrap's."""
    given, own = BOARDS[setting]
    merits = np.array(given)
    least, largest = true_ranks(merits)
    rng = np.random.default_rng([23, classes])
    found: dict[str, list[float]] = {k: [] for k in ("held", "span", "naive_held", "naive_span")}
    for _ in range(trials):
        table = board(merits, own, classes, rng)
        ranks = ranks_of(table)
        for prefix, (low, high) in (
            ("", (ranks.low, ranks.high)),
            ("naive_", rank_bootstrap(table, rng)),
        ):
            found[f"{prefix}held"].append(bool(((low <= least) & (largest <= high)).all()))
            found[f"{prefix}span"].append(float((high - low + 1).mean()))
    return {name: float(np.mean(values)) for name, values in found.items()}


def simulate(parts: Sequence[str]) -> dict[str, Any]:
    """What the page shows, of those of its parts."""
    simulated: dict[str, Callable[[], Any]] = {
        "means": lambda: {
            name: {m: [mean_coverage(ab, c, m, 11) for c in CLASSES] for m in METHODS}
            for name, ab in RATES.items()
        },
        "pairs": lambda: {
            name: [pair_record(setting, c) for c in CLASSES] for name, setting in PAIRS.items()
        },
        "ranks": lambda: {name: [rank_record(name, c) for c in BOARD_CLASSES] for name in BOARDS},
    }
    constants = {
        "pictures": PICTURES,
        "classes": list(CLASSES),
        "trials": {name: trials for name, (_, trials) in METHODS.items()},
        "board_classes": list(BOARD_CLASSES),
        "board_trials": BOARD_TRIALS,
    }
    return constants | {part: simulated[part]() for part in parts}


PARTS = ("means", "pairs", "ranks")


def page(record: dict[str, Any]) -> str:
    """docs/intervals.md."""
    classes = record["classes"]
    head = f"| true rates of the classes | {' | '.join(f'{c} classes' for c in classes)} |"
    rule = "|---|" + "---|" * len(classes)
    parts = [
        TOP.format(pictures=record["pictures"], **record["trials"]),
        head.replace("|", "| interval |", 1),
        "|---" + rule,
    ]
    for method, title in TITLES.items():
        for name, found in record["means"].items():
            cells = [f"{100 * share:.1f}" for share in found[method]]
            parts.append(f"| {title} | {name} | {' | '.join(cells)} |")
    chosen = [v for found in record["means"].values() for v in found["korn_graubard"]]
    wide = [
        v
        for found in record["means"].values()
        for v, c in zip(found["korn_graubard"], classes, strict=True)
        if c >= least_classes()
    ]
    parts.append(
        f"\nThe least coverage of the chosen interval is {100 * min(chosen):.1f} %, the largest from "
        f"{least_classes()} classes on {100 * max(wide):.1f} %; with two or three classes it is wider "
        "than it need be.\n"
    )
    parts.append(MIDDLE.format(least=least_classes(), level=f"{100 * LEVEL:.0f}"))
    parts += [head.replace("true rates of the classes", "two equally good models"), rule]
    for name, cells in record["pairs"].items():
        shown = [
            f"{100 * c['held']:.1f} / "
            + ("no test" if c["alarms"] is None else f"{100 * c['alarms']:.1f}")
            for c in cells
        ]
        parts.append(f"| {name} | {' | '.join(shown)} |")
    parts += rank_lines(record)
    return "\n".join(parts) + "\n"


def rank_lines(record: dict[str, Any]) -> list[str]:
    """The section on ranks."""
    classes = record["board_classes"]
    lines = [
        RANKS.format(trials=record["board_trials"]),
        f"| intervals | models | {' | '.join(f'{c} classes' for c in classes)} |",
        "|---|---|" + "---|" * len(classes),
    ]
    for prefix, title in (
        ("", "**all differences at once**"),
        ("naive_", "bootstrap of each rank"),
    ):
        for name, cells in record["ranks"].items():
            shown = [f"{100 * c[f'{prefix}held']:.1f} / {c[f'{prefix}span']:.1f}" for c in cells]
            lines.append(f"| {title} | {name} | {' | '.join(shown)} |")
    return lines


TITLES = {
    "korn_graubard": "**Korn and Graubard**",
    "students_t": "Student's t",
    "bootstrap": "bootstrap",
}
TOP = """# Intervals and tests

The same code computes them for `eval`, `compare`, `ablate` and the leaderboard: intervals in
`spurbench/scores/statistics.py`, tests in `significance.py` beside it. A class's share has Wilson's interval. A mean over classes has Korn
and Graubard's: the variance between classes says how many independent pictures the data set is worth, and
Clopper and Pearson's bounds are taken for that number. A difference of means has Student's t over
classes, never narrower than the pictures alone would make it.

## Means over classes

How often a 95 % interval holds the true mean, in %: simulated benchmarks of {pictures} pictures a class, whose classes' true
rates are drawn from the distribution named; {korn_graubard} benchmarks a cell ({bootstrap} for the bootstrap, which was used before). Student's t fails
near 0 and 1, the percentile bootstrap with few classes; the first rows are what spurbench does.
"""
MIDDLE = """## Differences between two models

A p-value is that of a sign-flip test over classes, exact up to 14 classes and from 10,000 patterns above. With fewer
than {least} classes no pattern reaches the {level} % level: no p-value is shown then, whatever the difference. Where a table
has several, they are corrected by Holm's method.

How often the 95 % interval of the difference holds 0, and how often the test at {level} % finds a difference that is not there,
in %: two models of equal merit that differ class by class, 4000 benchmarks a cell.
"""
RANKS = """
## Ranks

The leaderboard's intervals of ranks (`spurbench/scores/ranks.py`; [what they mean](leaderboard.md)) hold for all models of a
board at once: of equally good models, every rank that they share. How often they do, in %, and how many ranks an interval spans in the mean: boards of 12 models, {trials} a
cell, so that a share of 95 is known to about 4 points. "A step apart" are models each a quarter of a logit better than the next; "odd classes" are ways with a class that are
usually small and now and then huge, all to one side. With 6 classes there are 32 patterns of signs, of which one is not 5 %:
the test then errs on the safe side. The bootstrap draws classes anew and takes the middle 95 % of each model's ranks: where models are alike it
is sure of what is chance.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--simulate", nargs="*", choices=PARTS, metavar="PART")
    parts = parser.parse_args().simulate
    if parts is not None:
        known = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
        write_text(RECORD, json.dumps(known | simulate(parts or PARTS), indent=1) + "\n")
    write_text(PAGE, page(json.loads(RECORD.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
