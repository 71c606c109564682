"""Intervals against scipy, hand-computed cases and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from spurbench.scores.statistics import (
    RESAMPLES,
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


@pytest.mark.parametrize(("hits", "total"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_share(hits: int, total: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        wilson(hits, total)


def test_clustered_mean_weighs_classes_equally() -> None:
    assert clustered_mean({"a": [1.0] * 99, "b": [0.0]}).value == 0.5


def test_one_class_has_no_interval_over_classes() -> None:
    estimate = clustered_mean({"a": [0.0, 1.0]})
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
        clusters = {str(k): rng.binomial(1, r, 75).tolist() for k, r in enumerate(rates)}
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
    with pytest.raises(ValueError, match="same clusters"):
        clustered_difference({"a": [1.0]}, {"b": [1.0]})


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
    """Two equally good models on 12 classes of 25 pictures: p below 0.05 in about one of 20 trials."""
    rng = np.random.default_rng(1)
    false = 0
    for trial in range(60):
        wins = rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=(12, 25))
        wins += rng.normal(0, 0.1, (12, 1))  # classes favour one model or the other
        test = paired_test({str(k): row.tolist() for k, row in enumerate(wins)}, seed=trial)
        false += test.p_value < 0.05
    assert false <= 8


def test_one_class_gives_no_test() -> None:
    test = paired_test({"a": [1.0, 0.0]})
    assert test.difference.value == 0.5 and math.isnan(test.p_value)
