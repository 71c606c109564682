"""Tests of paired differences between models, with classes as what can be exchanged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
"""The level at which a difference is called one."""
EXACT = 14
"""Up to so many classes every pattern of signs is tried; above, DRAWS of them."""
DRAWS = 10_000
PAIRS_AT_ONCE = 500


def least_classes(level: float = LEVEL) -> int:
    """How many classes it takes for a sign-flip test to reach the level at all: 2^(1 - C) <= level."""
    return 1 + math.ceil(-math.log2(level))


def sign_flip(differences: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """Two-sided p-values (P,) of mean differences by class (P pairs of models, C classes).

    If neither model is the better, each class's difference is as likely with the other sign: the
    p-value is the share of patterns of signs whose mean is at least as far from 0 as the one that
    was seen (Fisher's randomisation test; scipy.stats.permutation_test of permutation_type
    "samples"). All 2^C patterns with up to EXACT classes, else DRAWS of them, the one that was seen
    among them, so that no p-value is 0. NaN where the classes are too few for LEVEL.
    Raises ValueError unless the table has two axes and a class.
    """
    table = np.asarray(differences, dtype=np.float64)
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError("needs differences by pair and class")
    pairs, classes = table.shape
    if classes < least_classes():
        return np.full(pairs, np.nan, dtype=np.float64)
    signs = sign_patterns(classes, seed)
    p_values: NDArray[np.float64] = np.empty(pairs, dtype=np.float64)
    for start in range(0, pairs, PAIRS_AT_ONCE):
        part = table[start : start + PAIRS_AT_ONCE]
        drawn = np.abs(part @ signs.T)  # (p, S)
        seen = np.abs(part.sum(axis=1, keepdims=True))  # (p, 1)
        # Sums of the same shares in another order differ in the last digits: those are ties.
        p_values[start : start + PAIRS_AT_ONCE] = (drawn >= seen - 1e-9).mean(axis=1)
    return p_values


def sign_patterns(
    classes: int, seed: int = 0, *, exact: int = EXACT, draws: int = DRAWS
) -> NDArray[np.float64]:
    """Patterns of signs (S, C), the one of all ones first: all of them with up to ``exact`` classes,
    else ``draws``. Of two mirrored patterns, which are equally far from 0, one is enough where all
    are tried."""
    if classes <= exact:
        bits = np.arange(2 ** (classes - 1))[:, None] >> np.arange(classes) & 1  # (S, C)
        return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
    rng = np.random.default_rng(seed)
    drawn = rng.choice((-1.0, 1.0), size=(draws - 1, classes))
    return np.concatenate([np.ones((1, classes)), drawn])


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number by Holm's step-down method (1979), in their order.

    NaN, where there is no test, stays and does not count.
    """
    tested = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    corrected = [math.nan] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        corrected[i] = largest
    return corrected
