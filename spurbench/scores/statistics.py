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
    # Ours, not scipy's proportion_ci: that differs in the last digits, and stored results would not
    # be computed again to the same bytes.
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = (
        z
        * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
        / (1 + z * z / total)
    )
    # Rounding leaves the ends a little off 0 and 1, where they are exact.
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
    draws = _clustered_draws(clusters, seed)
    value = _mean_of_means(clusters)
    if draws is None:
        return Estimate(value, math.nan, math.nan)
    return _between(value, draws, confidence)


@dataclass(frozen=True)
class PairedTest:
    """A mean paired difference with its interval and the two-sided p-value of "no difference"."""

    difference: Estimate
    p_value: float


def paired_test(differences: Mapping[str, Sequence[float]], seed: int = 0) -> PairedTest:
    """Bootstrap test of paired differences (first minus second, one a picture), by class.

    The draws are those of clustered_mean. The p-value is twice the smaller share of draws on
    either side of zero, both counted with one more draw, so that it is never 0 (Davison &
    Hinkley, 1997, section 4.2); NaN, as the bounds, with fewer than two classes.
    """
    draws = _clustered_draws(differences, seed)
    value = _mean_of_means(differences)
    if draws is None:
        return PairedTest(Estimate(value, math.nan, math.nan), math.nan)
    side = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    p_value = min(1.0, 2 * (side + 1) / (len(draws) + 1))
    return PairedTest(_between(value, draws, 0.95), p_value)


def _groups(clusters: Mapping[str, Sequence[float]]) -> list[np.ndarray]:
    groups = [np.asarray(v, dtype=np.float64) for v in clusters.values() if len(v)]
    if not groups:
        raise ValueError("no values")
    return groups


def _mean_of_means(clusters: Mapping[str, Sequence[float]]) -> float:
    return float(np.mean([g.mean() for g in _groups(clusters)]))


def _between(value: float, draws: np.ndarray, confidence: float) -> Estimate:
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def _clustered_draws(clusters: Mapping[str, Sequence[float]], seed: int) -> np.ndarray | None:
    """Bootstrap draws of the mean of means, (RESAMPLES,); None with fewer than two clusters."""
    groups = _groups(clusters)
    if len(groups) < 2:
        return None
    rng = np.random.default_rng(seed)
    means = np.stack([_resampled(g, rng) for g in groups], axis=1)
    # A class drawn twice gets two independent draws of its values, so pair each pick with another row.
    picks = rng.integers(len(groups), size=(RESAMPLES, len(groups)))
    rows = rng.integers(RESAMPLES, size=(RESAMPLES, len(groups)))
    draws: np.ndarray = means[rows, picks].mean(axis=1)
    return draws


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
    # Rows are drawn as in _clustered_draws: a class drawn twice gets two independent draws.
    picks = rng.integers(len(pairs), size=(RESAMPLES, len(pairs)))
    rows = rng.integers(RESAMPLES, size=(RESAMPLES, len(pairs)))
    low, high = np.quantile(gaps[rows, picks].mean(axis=1), [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _resampled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    picks = rng.integers(len(values), size=(RESAMPLES, len(values)))
    means: np.ndarray = values[picks].mean(axis=1)
    return means


def crossed_mean(table: np.ndarray, confidence: float = 0.95) -> Estimate:
    """Mean of a table (classes, seeds) with an interval clustered both ways.

    The variance of the mean from a two-way analysis of variance, (MSR + MSC - MSE) / RC and no less
    than either way's alone (the crossed form of two-way clustering; Cameron, Gelbach and Miller,
    2011), with Student's t at min(R, C) - 1 degrees of freedom. A percentile bootstrap covers 88 to
    91 % where this is meant to cover 95 with six classes and five seeds. With one column the
    rows alone count; with one row the bounds are NaN.
    """
    from scipy.stats import t

    rows, columns = table.shape
    value = float(table.mean())
    if rows < 2:
        return Estimate(value, math.nan, math.nan)
    by_row = columns * float(table.mean(axis=1).var(ddof=1))
    if columns < 2:
        variance, freedom = by_row / (rows * columns), rows - 1
    else:
        by_column = rows * float(table.mean(axis=0).var(ddof=1))
        rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + value
        error = float((rest**2).sum()) / ((rows - 1) * (columns - 1))
        variance = max(by_row + by_column - error, by_row, by_column) / (rows * columns)
        freedom = min(rows, columns) - 1
    half = float(t.ppf(0.5 + confidence / 2, freedom)) * math.sqrt(variance)
    return Estimate(value, value - half, value + half)
