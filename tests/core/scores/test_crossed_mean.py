"""The interval over classes and seeds, against a two-way analysis of variance written out cell by cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from spurbench.scores.statistics import Estimate, crossed_mean


def mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    """Of rows, columns and what is left (Fisher's table), by loops over the cells."""
    rows, columns = table.shape
    grand = sum(table[i, j] for i in range(rows) for j in range(columns)) / (rows * columns)
    row = [sum(table[i, :]) / columns for i in range(rows)]
    column = [sum(table[:, j]) / rows for j in range(columns)]
    left = sum(
        (table[i, j] - row[i] - column[j] + grand) ** 2 for i in range(rows) for j in range(columns)
    )
    return (
        columns * sum((r - grand) ** 2 for r in row) / (rows - 1),
        rows * sum((c - grand) ** 2 for c in column) / (columns - 1),
        left / ((rows - 1) * (columns - 1)),
    )


def close(found: Estimate, value: float, half: float) -> None:
    assert found.value == pytest.approx(value)
    assert (found.low, found.high) == pytest.approx((value - half, value + half))


# Four classes, three seeds: rows and columns both vary more than what is left.
BOTH_WAYS = np.array([[0.2, 0.5, 0.3], [0.4, 0.75, 0.6], [0.9, 1.0, 0.85], [0.1, 0.45, 0.2]])


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(
    "table", [BOTH_WAYS, BOTH_WAYS.T, BOTH_WAYS[:, :2]], ids=["tall", "wide", "two seeds"]
)
def test_both_ways_by_hand(table: np.ndarray, confidence: float) -> None:
    by_row, by_column, left = mean_squares(table)
    assert by_row > left and by_column > left, "a table that tells"
    variance = (by_row + by_column - left) / table.size
    half = t.ppf((1 + confidence) / 2, min(table.shape) - 1) * math.sqrt(variance)
    close(crossed_mean(table, confidence), table.mean(), half)


def test_95_is_the_confidence_unless_said() -> None:
    assert crossed_mean(BOTH_WAYS) == crossed_mean(BOTH_WAYS, 0.95)


@given(
    st.lists(st.lists(st.integers(0, 20), min_size=4, max_size=4), min_size=2, max_size=5),
)
@settings(deadline=None)
def test_never_narrower_than_one_way_alone(cells: list[list[int]]) -> None:
    """Where what is left varies most, the difference of the mean squares may be below either."""
    table = np.array(cells) / 20
    by_row, by_column, left = mean_squares(table)
    variance = max(by_row, by_column, by_row + by_column - left) / table.size
    half = t.ppf(0.975, min(table.shape) - 1) * math.sqrt(variance)
    close(crossed_mean(table), table.mean(), half)


def test_with_one_seed_the_classes_count_alone() -> None:
    column = np.array([[0.1], [0.5], [0.8], [0.9]])
    low, high = t.interval(0.95, 3, column.mean(), column.std(ddof=1) / 2)
    found = crossed_mean(column)
    assert (found.low, found.high) == pytest.approx((low, high))
    two = np.array([[0.1], [0.5]])
    low, high = t.interval(0.95, 1, 0.3, two.std(ddof=1) / math.sqrt(2))
    assert (crossed_mean(two).low, crossed_mean(two).high) == pytest.approx((low, high))


def test_one_class_says_nothing_of_others() -> None:
    found = crossed_mean(np.array([[0.25, 0.5, 0.9]]))
    assert found.value == pytest.approx(0.55)
    assert math.isnan(found.low) and math.isnan(found.high)
