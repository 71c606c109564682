"""Ranks of models with intervals that hold for all of them at once.

From all paired differences together come the ranks that the data leave possible (Mogstad, Romano,
Shaikh and Wilhelm, 2024, "Inference for Ranks with Applications to Mobility across Neighbourhoods
and Academic Achievement across Countries", Review of Economic Studies 91(1); Klein, Wright and
Wieczorek, 2020, "A joint confidence region for an overall ranking of populations", Journal of the
Royal Statistical Society C 69(3)). docs/leaderboard.md says it in plain words; scripts/coverage_page.py
simulates how often the intervals hold the true ranks (docs/intervals.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .significance import LEVEL, least_classes, sign_patterns

EXACT = 13
"""Up to so many classes every pattern of signs is tried; above, PATTERNS of them."""
PATTERNS = 4096
AT_ONCE = 256
EPSILON = 1e-9
"""Sums of the same shares in another order differ in the last digits: less than this is a tie."""


@dataclass(frozen=True)
class Ranks:
    """Of each model (N,): its rank, and the least and largest that the data leave possible. 1 has the
    least mean. ``below`` (N, N): whether the row's model is surely below the column's, that is has the
    lesser mean beyond what chance gives; ``p_values`` (N, N) of their differences, corrected for all
    pairs (NaN where the classes are too few for a test)."""

    rank: NDArray[np.intp]
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    below: NDArray[np.bool_]
    p_values: NDArray[np.float64]


def ranks_of(table: NDArray[np.float64], level: float = LEVEL, seed: int = 0) -> Ranks:
    """Ranks by the mean over classes of a table (N models, C classes).

    A model's rank lies between 1 + the number of models surely below it and N - the number surely
    above it. If no model is said to be surely below another that it is not below, which is meant to
    fail in at most ``level`` of all benchmarks, every true rank is within its interval.

    The rank itself is 1 + the number of models surely below it, and never less than that of a model
    with no larger mean: "cannot be told apart" is not transitive, so the number alone can fall from one model
    to the next. It stays within the interval: what is surely below a model with no larger mean is not
    surely above this one.
    Raises ValueError unless the table has two axes and a class.
    """
    table = np.asarray(table, dtype=np.float64)
    p_values = pairwise_p_values(table, seed)
    means = table.mean(axis=1)
    below = (p_values <= level) & (means[:, None] < means)  # a NaN is not
    low = 1 + below.sum(axis=0)
    high = len(table) - below.sum(axis=1)
    return Ranks(_never_falling(low, means), low, high, below, p_values)


def _never_falling(low: NDArray[np.intp], means: NDArray[np.float64]) -> NDArray[np.intp]:
    """The largest of ``low`` among the models with no larger mean."""
    order = np.argsort(means, kind="stable")
    largest = np.maximum.accumulate(low[order]) if len(low) else low
    last = np.searchsorted(means[order], means + EPSILON, side="right") - 1
    return np.asarray(largest[last] if len(low) else low)


def pairwise_p_values(table: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """p-values (N, N) of the differences in mean between all models of a table (N, C), corrected for
    all pairs at once.

    If no two models differed, each class would be as likely with all its differences turned round. A
    difference's statistic is its sum over classes by the root of its sum of squares, which no signs
    change, so that all pairs are on one scale; its p-value is the share of patterns of signs under
    which the largest statistic of all pairs is at least its own (single-step maxT; Westfall and Young,
    1993; Romano and Wolf, 2005). Signs are drawn for whole classes, so that the pairs keep their
    dependence. Of single p-values corrected by Holm's method none could ever reach the level with more
    than a few models: with 12 classes there are only 2,048 patterns. All 2^(C-1) are tried with up to
    EXACT classes, else PATTERNS of them, the one that was seen among them.

    Takes time in proportion to N^2 and the patterns, memory in proportion to N^2: 1,000 models of 100
    classes take seconds (docs/performance.md). NaN where the classes are too few for LEVEL.
    Raises ValueError unless the table has two axes and a class.
    """
    table = np.asarray(table, dtype=np.float64)
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError("needs shares by model and class")
    models, classes = table.shape
    if classes < least_classes():
        return np.full((models, models), np.nan)
    seen, scale = _standardised(table)
    patterns = sign_patterns(classes, seed, exact=EXACT, draws=PATTERNS)
    largest = np.sort(_largest(table, scale, patterns))
    less = np.searchsorted(largest, seen - EPSILON)
    p_values = (len(largest) - less) / len(largest)
    return np.asarray(p_values)


def _standardised(
    table: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Statistics (N, N) as they were seen, without sign, and what sums are multiplied by to be one;
    0 for two models that are alike in every class."""
    seen = np.zeros((len(table), len(table)))
    scale = np.zeros_like(seen)
    for i, row in enumerate(table):
        gaps = table - row  # (N, C)
        norms = np.sqrt((gaps**2).sum(axis=1))
        np.divide(1.0, norms, out=scale[i], where=norms > EPSILON)
        seen[i] = np.abs(gaps.sum(axis=1)) * scale[i]
    return seen, scale


def _largest(
    table: NDArray[np.float64], scale: NDArray[np.float64], patterns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The largest statistic of all pairs under each pattern of signs (S,)."""
    largest = np.zeros(len(patterns))
    for start in range(0, len(patterns), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        sums = np.ascontiguousarray(table @ patterns[part].T)  # (N, s)
        room = np.empty_like(sums)
        for i in range(len(table) - 1):
            gaps = room[i + 1 :]
            np.subtract(sums[i + 1 :], sums[i], out=gaps)
            np.abs(gaps, out=gaps)
            gaps *= scale[i, i + 1 :, None]
            np.maximum(largest[part], gaps.max(axis=0), out=largest[part])
    return largest
