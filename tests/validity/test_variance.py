"""Variance components against tables made with known ones, and against one-way analysis of variance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scripts.validity.variance import effects, mean_squares, variance_components


def test_effects_of_three_axes() -> None:
    assert effects(3) == [(0, 1, 2), (0, 1), (0, 2), (1, 2), (0,), (1,), (2,)]


def test_mean_squares_are_those_of_an_analysis_of_variance() -> None:
    table = np.random.default_rng(0).normal(size=(4, 7)) + np.arange(4)[:, None]
    found = mean_squares(table)
    rows = np.var(table.mean(axis=1), ddof=1) * 7
    columns = np.var(table.mean(axis=0), ddof=1) * 4
    assert found[(0,)] == pytest.approx(rows) and found[(1,)] == pytest.approx(columns)
    within = np.mean([np.var(row, ddof=1) for row in table])
    # What is within rows is columns and rest together: 24 degrees of freedom, 6 and 18.
    assert (6 * found[(1,)] + 18 * found[(0, 1)]) / 24 == pytest.approx(within)
    assert found[(0,)] / within == pytest.approx(stats.f_oneway(*table).statistic)


def test_components_of_four_axes_are_found_again() -> None:
    rng, shape = np.random.default_rng(3), (40, 30, 30, 6)
    sizes = {
        (0,): 0.5,
        (1,): 0.3,
        (0, 1): 0.4,
        (2,): 0.2,
        (1, 2): 0.35,
        (0, 3): 0.25,
        (0, 1, 2, 3): 0.3,
    }
    table = np.full(shape, 7.0)
    for effect, size in sizes.items():
        part = [shape[axis] if axis in effect else 1 for axis in range(4)]
        table = table + size * rng.normal(size=part)
    found = variance_components(table)
    assert set(found) == set(effects(4))
    for effect, value in found.items():
        expected = sizes.get(effect, 0.0) ** 2
        # A variance of so many draws is known to two of its standard errors at best.
        draws = np.prod([shape[axis] for axis in effect])
        assert value == pytest.approx(expected, abs=3 * expected * np.sqrt(2 / draws) + 0.006), (
            effect
        )


def test_what_comes_out_below_nothing_is_nothing() -> None:
    table = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert variance_components(table) == {(0, 1): 4.0, (0,): 0.0, (1,): 0.0}
