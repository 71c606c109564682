"""Intervals against scipy, hand-computed cases and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t, ttest_1samp

from spurbench.scores.statistics import (
    RESAMPLES,
    Estimate,
    clustered_difference,
    clustered_mean,
    paired_test,
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
    """A number a class; so many that every sound interval over classes is nearly Student's."""
    rng = np.random.default_rng(4)
    return {f"c{i:03d}": float(v) for i, v in enumerate(rng.normal(0.3, 0.2, count))}


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
    clusters = {k: [v] for k, v in values.items()}
    close(clustered_mean(clusters, confidence), students(values, confidence))
    assert clustered_mean(clusters) == clustered_mean(clusters, 0.95)


def test_the_interval_is_over_classes_not_pictures() -> None:
    """Pictures of one class that answer alike are worth one: their number narrows nothing."""
    values = many_classes()
    clusters = {k: [v] * (1 + 7 * i % 40) for i, (k, v) in enumerate(values.items())}
    found = clustered_mean(clusters)
    assert found.value == pytest.approx(np.mean(list(values.values())))
    close(found, students(values))


def test_a_differences_interval_is_of_each_classes_difference() -> None:
    """Both sides vary fivefold more than their difference; counts and orders differ."""
    gaps = many_classes()
    level = dict(zip(gaps, np.random.default_rng(5).normal(0, 1, len(gaps)), strict=True))
    first = {k: [level[k] + gaps[k]] * (1 + i % 3) for i, k in enumerate(gaps)}
    second = {k: [level[k]] * (1 + i % 5) for i, k in enumerate(reversed(gaps))}
    found = clustered_difference(first, second)
    assert found.value == pytest.approx(np.mean(list(gaps.values())))
    close(found, students(gaps))
    mirrored = clustered_difference(second, first)
    assert (mirrored.value, mirrored.low, mirrored.high) == pytest.approx(
        (-found.value, -found.high, -found.low)
    )


def test_a_paired_tests_p_value_is_students_on_many_classes() -> None:
    values = {k: v - 0.28 for k, v in many_classes().items()}
    test = paired_test({k: [v] * (1 + i % 4) for i, (k, v) in enumerate(values.items())})
    close(test.difference, students(values))
    expected = ttest_1samp(list(values.values()), 0).pvalue
    assert 0.01 < expected < 0.2, "a number that tells"
    assert test.p_value == pytest.approx(expected, rel=0.15)


def test_pictures_of_one_class_that_differ_widen_the_interval_too() -> None:
    """Two stages: within each of 100 alike classes the pictures vary, by 0.5 / sqrt(25) a class."""
    alike = clustered_mean({f"{i}": [1.0] * 15 + [0.0] * 10 for i in range(100)})
    half = 1.96 * math.sqrt(0.6 * 0.4 / 25 / 100)
    close(alike, (0.6 - half, 0.6 + half))
    both = {f"{i}": [1.0] * 15 + [0.0] * 10 for i in range(100)}
    gap = clustered_difference(both, {k: [0.0, 0.2] * 8 for k in both})
    half = 1.96 * math.sqrt((0.6 * 0.4 / 25 + 0.01 / 16) / 100)
    close(gap, (0.5 - half, 0.5 + half))


def test_a_class_drawn_twice_gives_two_draws() -> None:
    """With two alike classes the halves vary independently, whichever classes are drawn."""
    found = clustered_mean({k: [0.0, 1.0] * 200 for k in "ab"})
    half = 1.96 * math.sqrt(0.25 / 400 / 2)
    close(found, (0.5 - half, 0.5 + half))


def test_the_seed_decides_the_draws_and_nothing_else_does() -> None:
    clusters = {k: [0.0, 0.3, 1.0][: 1 + i] for i, k in enumerate("abc")}
    shift = {k: [0.25, 0.5] for k in "abc"}
    kept = [
        clustered_mean(clusters, seed=3),
        clustered_difference(clusters, shift, seed=3),
        paired_test(clusters, seed=3).difference,
    ]
    again = [
        clustered_mean(clusters, seed=3),
        clustered_difference(clusters, shift, seed=3),
        paired_test(clusters, seed=3).difference,
    ]
    assert kept == again
    unseeded = [clustered_mean(clusters), clustered_difference(clusters, shift)]
    assert unseeded == [
        clustered_mean(clusters, seed=0),
        clustered_difference(clusters, shift, seed=0),
    ]
    assert paired_test(clusters) == paired_test(clusters, seed=0)
    big = {k: list(np.random.default_rng(i).normal(0, 1, 40)) for i, k in enumerate("abcdefg")}
    low = {clustered_mean(big, seed=s).low for s in (0, 1, 2)}
    gaps = {clustered_difference(big, shift_of(big), seed=s).low for s in (0, 1, 2)}
    tests = {paired_test(big, seed=s).difference.low for s in (0, 1, 2)}
    assert len(low) == len(gaps) == len(tests) == 3


def shift_of(clusters: dict[str, list[float]]) -> dict[str, list[float]]:
    return {k: [v / 3 for v in values[::-1]] for k, values in clusters.items()}


def test_classes_without_pictures_do_not_count_and_none_is_an_error() -> None:
    assert clustered_mean({"a": [1.0], "b": [], "c": [0.5]}) == clustered_mean(
        {"a": [1.0], "c": [0.5]}
    )
    with pytest.raises(ValueError, match="^no values$"):
        clustered_mean({"a": []})
    with pytest.raises(ValueError, match="^no values$"):
        paired_test({})


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
    for trial in range(120):
        rates = np.clip(rng.normal(0.6, 0.15, 12), 0, 1)
        clusters = {str(k): rng.binomial(1, r, 15).tolist() for k, r in enumerate(rates)}
        estimate = clustered_mean(clusters, seed=trial)
        held += estimate.low <= 0.6 <= estimate.high
    assert held / 120 > 0.85


def test_difference_is_paired_by_class() -> None:
    first = {"a": [1.0] * 50, "b": [0.3] * 50}
    second = {"a": [0.8] * 50, "b": [0.1] * 50}
    gap = clustered_difference(first, second)
    assert gap.value == pytest.approx(0.2)
    assert gap.low == pytest.approx(0.2) and gap.high == pytest.approx(0.2)


def test_difference_needs_the_same_classes() -> None:
    for second in ({"b": [1.0]}, {"a": [1.0], "b": [1.0]}):
        with pytest.raises(ValueError, match="^both sides need the same clusters$"):
            clustered_difference({"a": [1.0]}, second)


def test_one_class_gives_a_difference_without_an_interval() -> None:
    gap = clustered_difference({"a": [1.0, 0.5]}, {"a": [0.0, 0.0, 0.3]})
    assert gap.value == pytest.approx(0.65)
    assert math.isnan(gap.low) and math.isnan(gap.high)


def test_paired_test_of_no_difference_and_of_a_plain_one() -> None:
    nothing = paired_test({"a": [0.0] * 20, "b": [0.0] * 20})
    assert nothing.p_value == 1 and nothing.difference.value == 0
    plain = paired_test({k: [1.0] * 20 for k in "abcd"})
    assert plain.p_value == pytest.approx(2 / (RESAMPLES + 1)), "never 0"
    assert plain.difference == clustered_mean({k: [1.0] * 20 for k in "abcd"})


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=8),
        min_size=2,
    )
)
@settings(max_examples=15, deadline=None)
def test_paired_test_mirrors(differences: dict[str, list[float]]) -> None:
    one = paired_test(differences)
    other = paired_test({k: [-v for v in values] for k, values in differences.items()})
    assert one.p_value == other.p_value and 0 < one.p_value <= 1
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert one.difference.low == pytest.approx(-other.difference.high)
    assert one.difference.low - 1e-9 <= one.difference.value <= one.difference.high + 1e-9


def test_paired_test_rarely_cries_wolf() -> None:
    """Two equally good models on 12 classes of 10 pictures: p below 0.05 in about one of 20 trials."""
    rng = np.random.default_rng(1)
    false = 0
    for trial in range(60):
        wins = rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=(12, 10))
        wins += rng.normal(0, 0.1, (12, 1))  # classes favour one model or the other
        test = paired_test({str(k): row.tolist() for k, row in enumerate(wins)}, seed=trial)
        false += test.p_value < 0.05
    assert false <= 8


def test_one_class_gives_no_test() -> None:
    test = paired_test({"a": [1.0, 0.0]})
    assert test.difference.value == 0.5 and math.isnan(test.p_value)
    assert math.isnan(test.difference.low) and math.isnan(test.difference.high)
