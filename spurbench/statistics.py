"""Intervals. Shares are in [0, 1] throughout; confidence is 95 % unless said otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; NaN bounds where one cluster gives no interval."""

    value: float
    low: float
    high: float


def wilson(hits: int, total: int, confidence: float = 0.95) -> Estimate:
    """Wilson score interval of a share (Wilson, 1927). Raises ValueError unless 0 <= hits <= total > 0."""
    if total <= 0 or not 0 <= hits <= total:
        raise ValueError(f"{hits} of {total} is not a share")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = (
        z
        * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
        / (1 + z * z / total)
    )
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == total else min(1.0, centre + half)
    return Estimate(share, low, high)


def clustered_mean(
    clusters: Mapping[str, Sequence[float]], confidence: float = 0.95, seed: int = 0
) -> Estimate:
    """Mean over clusters of each cluster's mean, with a percentile bootstrap.

    Clusters (classes) are drawn with replacement, then values (pictures, or seeds) within each
    drawn cluster (two-stage bootstrap; Davison & Hinkley, 1997, section 3.8). With one cluster
    the bounds are NaN: nothing can be said about other classes.
    """
    groups = [np.asarray(v, dtype=np.float64) for v in clusters.values() if len(v)]
    if not groups:
        raise ValueError("no values")
    value = float(np.mean([g.mean() for g in groups]))
    if len(groups) < 2:
        return Estimate(value, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    means = np.stack(
        [g[rng.integers(len(g), size=(RESAMPLES, len(g)))].mean(axis=1) for g in groups], axis=1
    )
    # A class drawn twice gets two independent draws of its values, so pair each pick with another row.
    picks = rng.integers(len(groups), size=(RESAMPLES, len(groups)))
    rows = rng.integers(RESAMPLES, size=(RESAMPLES, len(groups)))
    draws = means[rows, picks].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def clustered_difference(
    first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]], seed: int = 0
) -> Estimate:
    """Mean of ``first`` minus mean of ``second``, paired by cluster, with a percentile bootstrap.

    Classes are drawn with replacement; within each, both sides' values are drawn independently.
    """
    if set(first) != set(second):
        raise ValueError("both sides need the same clusters")
    names = sorted(first)
    pairs = [
        (np.asarray(first[n], dtype=np.float64), np.asarray(second[n], dtype=np.float64))
        for n in names
    ]
    value = float(np.mean([a.mean() - b.mean() for a, b in pairs]))
    if len(pairs) < 2:
        return Estimate(value, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    gaps = np.stack([_resampled(a, rng) - _resampled(b, rng) for a, b in pairs], axis=1)
    picks = rng.integers(len(pairs), size=(RESAMPLES, len(pairs)))
    rows = rng.integers(RESAMPLES, size=(RESAMPLES, len(pairs)))
    low, high = np.quantile(gaps[rows, picks].mean(axis=1), [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _resampled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    picks = rng.integers(len(values), size=(RESAMPLES, len(values)))
    means: np.ndarray = values[picks].mean(axis=1)
    return means


def crossed_mean(table: np.ndarray, confidence: float = 0.95, seed: int = 0) -> Estimate:
    """Mean of a table (classes, seeds) with an interval that redraws rows and columns.

    Both are drawn with replacement, independently (pigeonhole bootstrap; Owen, 2007): what a
    seed has in common across classes, and a class across seeds, widens the interval. A single
    column is not redrawn; with one row the bounds are NaN.
    """
    rows, columns = table.shape
    value = float(table.mean())
    if rows < 2:
        return Estimate(value, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    row_counts = rng.multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES)
    column_counts = rng.multinomial(columns, np.full(columns, 1 / columns), size=RESAMPLES)
    draws = np.einsum("br,rc,bc->b", row_counts, table, column_counts) / (rows * columns)
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))
