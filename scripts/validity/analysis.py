"""What a benchmark's scores say of networks whose reliance is known. Pure functions of arrays.

Shapes: M networks, K classes, S seeds, n pictures. ``hits`` (S, M, K, n) is bool: was the picture taken
for the class? ``truth`` (M, K) is the reliance by intervention. Scores are shares in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from spurbench.scores.significance import holm, sign_flip

from .variance import variance_components

Array = NDArray[np.float64]
DRAWS, LEVEL = 2_000, 0.05
MOST = 0.9999
"""A correlation above it counts as this much."""


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def rank_correlation(scores: Array, truth: Array) -> float:
    """Spearman's rho of the networks' means; 0 where all networks have one score.

    ``scores`` (S, M, K) and ``truth`` (M, K).
    """
    ranks = stats.rankdata([scores.mean(axis=(0, 2)), truth.mean(axis=1)], axis=1)
    if (np.ptp(ranks, axis=1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def crossed_interval(
    statistic: Callable[[Array, Array], float], scores: Array, truth: Array, seed: int = 0
) -> Interval:
    """The interval of a correlation over seeds, networks and classes, each drawn anew by itself: what
    another zoo, other classes and other builds could have given. The bootstrap's spread on Fisher's
    scale, around the value: near 1 its percentiles lie below it, for a network drawn twice is a tie.
    """
    rng = np.random.default_rng(seed)
    seeds, networks, classes = scores.shape
    values = []
    for _ in range(DRAWS):
        s, m, k = (rng.integers(0, size, size) for size in (seeds, networks, classes))
        values.append(statistic(scores[np.ix_(s, m, k)], truth[np.ix_(m, k)]))
    value = statistic(scores, truth)
    half = stats.norm.ppf(1 - LEVEL / 2) * np.std(_fisher(np.array(values)))
    centre = _fisher(np.array(value))
    return Interval(value, float(np.tanh(centre - half)), float(np.tanh(centre + half)))


def _fisher(correlation: Array) -> Array:
    return np.asarray(np.arctanh(np.clip(correlation, -MOST, MOST)))


def saturation(scores: Array) -> dict[str, float]:
    """Shares of networks whose mean, and of (seed, network, class) cells, at most 2.5 % from 0 or 1."""
    mean = scores.mean(axis=(0, 2))
    edge = 0.025
    return {
        "networks low": float((mean <= edge).mean()),
        "networks high": float((mean >= 1 - edge).mean()),
        "cells low": float((scores <= edge).mean()),
        "cells high": float((scores >= 1 - edge).mean()),
    }


def told_apart(hits: NDArray[np.bool_], pictures: int) -> float:
    """Share of pairs of networks whose difference is significant (sign-flips over classes, Holm over
    all pairs, level 0.05) when each class has its first ``pictures`` pictures, of seed 0.

    With K classes no p-value is below 2 / 2^K.
    """
    means = hits[0, :, :, :pictures].mean(axis=2)
    first, second = np.triu_indices(len(means), k=1)
    p_values = sign_flip(means[first] - means[second])
    return float((np.array(holm(list(p_values))) < LEVEL).mean())


def reliability(scores: Array) -> Interval:
    """Spearman's rho of the networks' means between two seeds: mean, lowest and highest over pairs."""
    means = scores.mean(axis=2)
    pairs = [(a, b) for a in range(len(means)) for b in range(a)]
    found = [float(stats.spearmanr(means[a], means[b]).statistic) for a, b in pairs]
    return Interval(float(np.mean(found)), min(found), max(found))


def calibration(scores: Array, truth: Array) -> tuple[Array, Array, float]:
    """The networks' mean scores in ascending order, the truth that isotonic regression reads from
    them, and the root mean squared error of that reading when each network is left out in turn."""
    x, y = scores.mean(axis=(0, 2)), truth.mean(axis=1)
    order = np.argsort(x, kind="stable")
    fitted = _isotonic(x, y).predict(x[order])
    errors = [
        _isotonic(np.delete(x, i), np.delete(y, i)).predict(x[i : i + 1])[0] - y[i]
        for i in range(len(x))
    ]
    return x[order], np.asarray(fitted), float(np.sqrt(np.mean(np.square(errors))))


def _isotonic(x: Array, y: Array) -> IsotonicRegression:
    return IsotonicRegression(out_of_bounds="clip").fit(x, y)


def lean(scores: Array, truth: Array, others: Array, others_truth: Array) -> Interval:
    """How much higher networks score than the zoo's networks of the same truth: the mean residual of
    ``others`` (S, L, K) from the zoo's straight line of score on truth, with the interval of a mean
    of L new networks (Student's t, the line's own uncertainty included)."""
    x, y = truth.mean(axis=1), scores.mean(axis=(0, 2))
    line = stats.linregress(x, y)
    residuals = y - (line.intercept + line.slope * x)
    n, count = len(x), others.shape[1]
    at = others_truth.mean(axis=1)
    value = float((others.mean(axis=(0, 2)) - (line.intercept + line.slope * at)).mean())
    spread = np.sqrt(np.sum(residuals**2) / (n - 2))
    distance = (at.mean() - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    half = float(stats.t.ppf(1 - LEVEL / 2, n - 2) * spread * np.sqrt(1 / count + 1 / n + distance))
    return Interval(value, value - half, value + half)


@dataclass(frozen=True)
class Components:
    """Variances of a (seed, network, class) table of scores.

    ``network`` is what a benchmark is for. ``by_class`` (network x class), ``by_seed`` (network x
    seed) and ``rest`` stand in the way of telling two networks apart; what moves all networks alike
    (classes, seeds) does not.
    """

    network: float
    by_class: float
    by_seed: float
    rest: float

    def error(self, classes: int, seeds: int) -> float:
        """Standard error of a network's mean relative to the others' with so many classes and seeds."""
        variance = self.by_class / classes + self.by_seed / seeds + self.rest / (classes * seeds)
        return float(np.sqrt(variance))

    def reliability(self, classes: int, seeds: int) -> float:
        """The generalizability coefficient: the share of the means' variance that is the networks'."""
        return self.network / (self.network + self.error(classes, seeds) ** 2)


def components(scores: Array) -> Components:
    """Of scores (S, M, K) with 2 or more of each."""
    found = variance_components(scores)
    return Components(
        network=found[(1,)], by_class=found[(1, 2)], by_seed=found[(0, 1)], rest=found[(0, 1, 2)]
    )
