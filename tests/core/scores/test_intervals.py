"""Means over classes and their differences: by hand with scipy, and at the ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest, t

from spurbench.scores.statistics import (
    clustered_difference,
    clustered_mean,
    crossed_mean,
    crossed_p_value,
    difference_of_means,
)


def bits(hits: int, of: int) -> list[float]:
    return [1.0] * hits + [0.0] * (of - hits)


def test_korn_and_graubard_by_hand() -> None:
    """Classes of 20, 30 and 10 pictures at 0.9, 0.5 and 0.4."""
    found = clustered_mean({"a": bits(18, 20), "b": bits(15, 30), "c": bits(4, 10)})
    means = np.array([0.9, 0.5, 0.4])
    assert found.value == pytest.approx(0.6)
    effective = 0.6 * 0.4 / (means.var(ddof=1) / 3)
    effective *= (t.ppf(0.975, 59) / t.ppf(0.975, 2)) ** 2
    low = beta.ppf(0.025, 0.6 * effective, 0.4 * effective + 1)
    high = beta.ppf(0.975, 0.6 * effective + 1, 0.4 * effective)
    assert (found.low, found.high) == pytest.approx((low, high))
    narrower = clustered_mean({"a": bits(18, 20), "b": bits(15, 30), "c": bits(4, 10)}, 0.8)
    assert found.low < narrower.low < 0.6 < narrower.high < found.high


@pytest.mark.parametrize(("hits", "low", "high"), [(25, None, 1.0), (0, 0.0, None)])
def test_at_the_ends_it_is_clopper_and_pearsons(
    hits: int, low: float | None, high: float | None
) -> None:
    """Where every class is at 0 or 1 nothing varies; there are few classes all the same."""
    found = clustered_mean({k: bits(hits, 25) for k in "abcd"})
    ratio = (t.ppf(0.975, 99) / t.ppf(0.975, 3)) ** 2
    effective = 100 * ratio
    assert found.value == hits / 25
    assert found.high == (high if high is not None else pytest.approx(1 - 0.025 ** (1 / effective)))
    assert found.low == (low if low is not None else pytest.approx(0.025 ** (1 / effective)))


def test_many_equal_classes_are_worth_no_more_than_their_pictures() -> None:
    found = clustered_mean({str(k): bits(3, 10) for k in range(400)})
    exact = binomtest(1200, 4000).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=3e-4)


def test_values_that_are_none_a_picture() -> None:
    """A mean of areas under curves, one a class: their pictures are named."""
    areas = {"a": [0.9], "b": [0.85], "c": [0.97], "d": [0.6]}
    few = clustered_mean({k: [0.9] for k in "abcd"}, pictures=40)
    many = clustered_mean({k: [0.9] for k in "abcd"}, pictures=4000)
    assert many.high - many.low < few.high - few.low
    assert clustered_mean(areas, pictures=500).value == pytest.approx(0.83)
    with pytest.raises(ValueError, match="not shares"):
        clustered_mean({"a": [1.2], "b": [0.5]})


shares = st.lists(
    st.integers(2, 12).flatmap(lambda n: st.integers(0, n).map(lambda k: bits(k, n))),
    min_size=2,
    max_size=7,
)


@given(shares)
@settings(max_examples=60, deadline=None)
def test_bounds_hold_the_mean_within_0_and_1_and_mirror(classes: list[list[float]]) -> None:
    found = clustered_mean({str(k): v for k, v in enumerate(classes)})
    mirror = clustered_mean({str(k): [1 - x for x in v] for k, v in enumerate(classes)})
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0, "a sample is never certain"
    assert (found.low, found.high) == pytest.approx((1 - mirror.high, 1 - mirror.low), abs=1e-9)
    reordered = clustered_mean({str(k): v[::-1] for k, v in enumerate(classes[::-1])})
    assert (found.low, found.high) == pytest.approx((reordered.low, reordered.high))


def test_a_difference_has_students_t_over_classes() -> None:
    first = {"a": bits(18, 20), "b": bits(15, 30), "c": bits(4, 10)}
    second = {"a": bits(6, 20), "b": bits(12, 40), "c": bits(5, 10)}
    gaps = np.array([0.6, 0.2, -0.1])
    found = clustered_difference(first, second)
    half = t.ppf(0.975, 2) * gaps.std(ddof=1) / math.sqrt(3)
    assert found.value == pytest.approx(gaps.mean())
    assert found.low == pytest.approx(gaps.mean() - half)
    assert found.high == pytest.approx(1.0), "no difference is larger"
    back = clustered_difference(second, first)
    assert (back.value, back.high) == pytest.approx((-found.value, -found.low))


def test_equal_differences_are_as_sure_as_their_pictures_are() -> None:
    """Every class differs by 0.2: nothing varies between them, but 50 pictures are not certain."""
    first = {k: bits(40, 50) for k in "abcdef"}
    second = {k: bits(30, 50) for k in "abcdef"}
    found = clustered_difference(first, second)
    p, q = 41 / 52, 31 / 52
    spread = (p * (1 - p) + q * (1 - q)) / 50 / 6
    assert found.high - found.low == pytest.approx(2 * t.ppf(0.975, 5) * math.sqrt(spread))


def test_several_pairs_at_once_are_each_as_alone() -> None:
    gaps = np.array([[0.1, 0.3, -0.2], [0.0, 0.0, 0.0]])
    spread = np.array([[1e-4, 2e-4, 1e-4], [9e-4, 9e-4, 9e-4]])
    both = difference_of_means(gaps, spread)
    for k in range(2):
        assert difference_of_means(gaps[k : k + 1], spread[k : k + 1]) == [both[k]]
    assert both[1].high == pytest.approx(t.ppf(0.975, 2) * math.sqrt(3e-4))
    (alone,) = difference_of_means(gaps[:1, :1], spread[:1, :1])
    assert alone.value == 0.1 and math.isnan(alone.low) and math.isnan(alone.high)


def test_a_crossed_p_value_is_005_where_the_interval_ends_at_0() -> None:
    table = np.random.default_rng(2).normal(0.1, 0.2, (6, 4))
    edge = crossed_mean(table)
    assert crossed_p_value(table - edge.low) == pytest.approx(0.05)
    assert crossed_p_value(table - edge.high) == pytest.approx(0.05)
    assert crossed_p_value(table) == crossed_p_value(-table)
    assert crossed_p_value(np.zeros((3, 3))) == 1 and crossed_p_value(np.ones((3, 3))) == 0
    assert math.isnan(crossed_p_value(table[:1]))
