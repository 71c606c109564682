"""Variance components of balanced crossed designs (generalizability theory)."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Effect = tuple[int, ...]
"""The axes that an effect belongs to, ascending: (0,) a main effect, (0, 2) an interaction."""


def effects(axes: int) -> list[Effect]:
    """All effects of a table with so many axes, the largest interactions first."""
    return [
        part for size in range(axes, 0, -1) for part in itertools.combinations(range(axes), size)
    ]


def mean_squares(table: NDArray[np.float64]) -> dict[Effect, float]:
    """Of each effect, the sum of squares over its degrees of freedom. Each axis has 2 levels or more."""
    axes = range(table.ndim)
    parts: dict[Effect, NDArray[np.float64]] = {(): table.mean(keepdims=True)}
    found: dict[Effect, float] = {}
    for effect in reversed(effects(table.ndim)):
        others = tuple(axis for axis in axes if axis not in effect)
        part = table.mean(axis=others, keepdims=True) if others else table.copy()
        for size in range(len(effect)):
            for smaller in itertools.combinations(effect, size):
                part = part - parts[smaller]
        parts[effect] = part
        repeated = np.prod([table.shape[axis] for axis in others])
        freedom = np.prod([table.shape[axis] - 1 for axis in effect])
        found[effect] = float(repeated * np.square(part).sum() / freedom)
    return found


def variance_components(table: NDArray[np.float64]) -> dict[Effect, float]:
    """The variance of each effect in the random model, where a mean square's expectation is the sum,
    over all effects that contain its own, of their variances times the levels of the other axes;
    what comes out below 0 is 0. The effect of all axes is the rest."""
    squares = mean_squares(table)
    raw: dict[Effect, float] = {}
    for effect in effects(table.ndim):
        above = [other for other in raw if set(effect) < set(other)]
        rest = sum(_levels(table, other) * raw[other] for other in above)
        raw[effect] = (squares[effect] - rest) / _levels(table, effect)
    return {effect: max(0.0, value) for effect, value in raw.items()}


def _levels(table: NDArray[np.float64], effect: Effect) -> int:
    return int(np.prod([table.shape[axis] for axis in range(table.ndim) if axis not in effect]))
