"""Intervals against scipy, hand-computed cases and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from spurbench.scores.statistics import (
    Estimate,
    clustered_difference,
    clustered_mean,
    wilson,
)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(case: tuple[int, int]) -> None:
    hits, total = case
    ours = wilson(hits, total)
    theirs = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)
    assert 0 <= ours.low <= ours.value <= ours.high <= 1


@pytest.mark.parametrize(("hits", "total"), [(0, 7), (3, 7), (7, 7), (1, 1)])
def test_wilson_at_another_confidence(hits: int, total: int) -> None:
    ours = wilson(hits, total, 0.8)
    theirs = binomtest(hits, total).proportion_ci(0.8, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_wilson_ends_where_a_share_ends() -> None:
    """Exactly: a bound of 1e-17 would be rounded to another text than 0."""
    for total in range(1, 400):
        assert wilson(0, total).low == 0.0 and wilson(total, total).high == 1.0


@pytest.mark.parametrize(("hits", "total"), [(1, 0), (0, 0), (0, -1), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_share(hits: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"^{hits} of {total} is not a share$"):
        wilson(hits, total)


def many_classes(count: int = 150) -> dict[str, float]:
    """A share a class; so many that every sound interval over classes is nearly Student's."""
    rng = np.random.default_rng(4)
    return {f"c{i:03d}": float(v) for i, v in enumerate(rng.beta(3, 5, count))}


def students(values: dict[str, float], confidence: float = 0.95) -> tuple[float, float]:
    numbers = np.array(list(values.values()))
    error = numbers.std(ddof=1) / math.sqrt(len(numbers))
    low, high = t.interval(confidence, len(numbers) - 1, numbers.mean(), error)
    return float(low), float(high)


def close(found: Estimate, bounds: tuple[float, float]) -> None:
    """Bounds within a twentieth of the half width: 90 % would be off by a sixth, 99 % by a third."""
    slack = (bounds[1] - bounds[0]) / 40
    assert (found.low, found.high) == pytest.approx(bounds, abs=slack)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_many_classes_have_students_interval(confidence: float) -> None:
    values = many_classes()
    clusters = {k: [v] * 400 for k, v in values.items()}
    close(clustered_mean(clusters, confidence), students(values, confidence))
    assert clustered_mean(clusters) == clustered_mean(clusters, 0.95)
    gaps = clustered_difference(clusters, {k: [0.0] * 400 for k in values}, confidence)
    close(gaps, students(values, confidence))


def test_the_interval_is_over_classes_not_pictures() -> None:
    """Pictures of one class that answer alike are worth one: their number narrows nothing."""
    values = many_classes()
    clusters = {k: [v] * (50 + 37 * i % 400) for i, (k, v) in enumerate(values.items())}
    found = clustered_mean(clusters)
    assert found.value == pytest.approx(np.mean(list(values.values())))
    close(found, students(values))


def test_a_differences_interval_is_of_each_classes_difference() -> None:
    """Both sides vary more than their difference; counts and orders differ."""
    gaps = {k: v / 3 for k, v in many_classes().items()}
    level = dict(zip(gaps, np.random.default_rng(5).uniform(0, 0.6, len(gaps)), strict=True))
    first = {k: [level[k] + gaps[k]] * (300 + i % 3) for i, k in enumerate(gaps)}
    second = {k: [level[k]] * (300 + i % 5) for i, k in enumerate(reversed(gaps))}
    found = clustered_difference(first, second)
    assert found.value == pytest.approx(np.mean(list(gaps.values())))
    close(found, students(gaps))
    mirrored = clustered_difference(second, first)
    assert (mirrored.value, mirrored.low, mirrored.high) == pytest.approx(
        (-found.value, -found.high, -found.low)
    )


def test_pictures_of_one_class_that_differ_widen_the_interval_too() -> None:
    """Nothing varies between 100 alike classes, but their pictures do, by 0.5 / sqrt(25) a class."""
    both = {f"{i}": [1.0] * 15 + [0.0] * 10 for i in range(100)}
    half = 1.96 * math.sqrt(0.6 * 0.4 / 25 / 100)
    close(clustered_mean(both), (0.6 - half, 0.6 + half))
    gap = clustered_difference(both, {k: [0.0, 1.0] * 8 for k in both})
    wide = 1.98 * math.sqrt((16 / 27 * 11 / 27 / 25 + 0.25 / 16) / 100)
    close(gap, (0.1 - wide, 0.1 + wide))


def test_classes_without_pictures_do_not_count_and_none_is_an_error() -> None:
    assert clustered_mean({"a": [1.0], "b": [], "c": [0.5]}) == clustered_mean(
        {"a": [1.0], "c": [0.5]}
    )
    with pytest.raises(ValueError, match="^no values$"):
        clustered_mean({"a": []})
    with pytest.raises(ValueError, match="^no values$"):
        clustered_mean({})


def test_clustered_mean_weighs_classes_equally() -> None:
    assert clustered_mean({"a": [1.0] * 99, "b": [0.0]}).value == 0.5


def test_one_class_has_no_interval_over_classes() -> None:
    estimate = clustered_mean({"a": [0.0, 1.0]})
    assert estimate.value == 0.5
    assert math.isnan(estimate.low) and math.isnan(estimate.high)


def test_classes_that_differ_widen_the_interval() -> None:
    alike = clustered_mean({str(i): [0.0, 1.0] * 50 for i in range(6)})
    apart = clustered_mean({str(i): [float(i % 2)] * 100 for i in range(6)})
    assert alike.value == apart.value == 0.5
    assert apart.high - apart.low > 3 * (alike.high - alike.low)


def test_clustered_interval_covers_the_truth() -> None:
    """Over simulated benchmarks of 12 classes the 95 % interval holds the truth nearly that often."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(120):
        rates = np.clip(rng.normal(0.6, 0.15, 12), 0, 1)
        clusters = {str(k): rng.binomial(1, r, 15).tolist() for k, r in enumerate(rates)}
        estimate = clustered_mean(clusters)
        held += estimate.low <= 0.6 <= estimate.high
    assert held / 120 > 0.85


def test_difference_is_paired_by_class() -> None:
    levels = {"a": 0.8, "b": 0.1, "c": 0.4, "d": 0.5}
    first = {k: [v + 0.2] * 50 for k, v in levels.items()}
    second = {k: [v] * 50 for k, v in levels.items()}
    gap = clustered_difference(first, second)
    assert gap.value == pytest.approx(0.2)
    assert 0 < gap.low < 0.2 < gap.high < 1, "every class differs by 0.2"


def test_difference_needs_the_same_classes() -> None:
    for second in ({"b": [1.0]}, {"a": [1.0], "b": [1.0]}):
        with pytest.raises(ValueError, match="^both sides need the same clusters$"):
            clustered_difference({"a": [1.0]}, second)


def test_one_class_gives_a_difference_without_an_interval() -> None:
    gap = clustered_difference({"a": [1.0, 0.5]}, {"a": [0.0, 0.0, 0.3]})
    assert gap.value == pytest.approx(0.65)
    assert math.isnan(gap.low) and math.isnan(gap.high)
