"""What is said of a benchmark, on tables that were made with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scripts.validity.analysis import (
    calibration,
    components,
    crossed_interval,
    lean,
    rank_correlation,
    reliability,
    saturation,
    told_apart,
)

RNG = np.random.default_rng


def table(
    seed: int,
    shape: tuple[int, int, int],
    network: float,
    by_class: float = 0.0,
    by_seed: float = 0.0,
    rest: float = 0.0,
) -> np.ndarray:
    """Scores (S, M, K) of normal effects with these standard deviations; seeds and classes move all alike."""
    rng, (s, m, k) = RNG(seed), shape
    return (
        0.5
        + network * rng.normal(size=(1, m, 1))
        + by_class * rng.normal(size=(1, m, k))
        + by_seed * rng.normal(size=(s, m, 1))
        + rest * rng.normal(size=(s, m, k))
        + 0.3 * rng.normal(size=(1, 1, k))
        + 0.2 * rng.normal(size=(s, 1, 1))
    )


def test_rank_correlation_is_spearman_s_of_the_means() -> None:
    rng = RNG(0)
    truth = rng.uniform(size=(9, 4))
    scores = np.exp(3 * truth)[None] + 0.2 * rng.normal(size=(3, 9, 4))
    expected = stats.spearmanr(scores.mean(axis=(0, 2)), truth.mean(axis=1)).statistic
    assert rank_correlation(scores, truth) == pytest.approx(expected) and 0.5 < expected < 1.01
    assert rank_correlation(-scores, truth) == pytest.approx(-expected)
    assert rank_correlation(np.ones((3, 9, 4)), truth) == 0


def test_a_planted_bad_benchmark_has_no_validity_and_a_good_one_has() -> None:
    truth = table(1, (1, 40, 12), network=0.2, by_class=0.1)[0]
    good = truth[None] + 0.1 * RNG(2).normal(size=(5, 40, 12))
    bad = table(3, (5, 40, 12), network=0.2, by_class=0.1, rest=0.1)
    found = crossed_interval(rank_correlation, good, truth)
    assert found.low > 0.8 and found.low <= found.value <= found.high <= 1
    nothing = crossed_interval(rank_correlation, bad, truth)
    assert nothing.low < 0 < nothing.high and nothing.high - nothing.low > 0.3
    again = crossed_interval(rank_correlation, good, truth)
    assert again == found and crossed_interval(rank_correlation, good, truth, seed=1) != found


def test_each_axis_is_drawn_anew() -> None:
    """Where seeds differ, where classes differ, where networks do: each makes the interval wide."""
    by_axis = {
        "seeds": table(4, (5, 8, 6), network=0.1, by_seed=0.2),
        "classes": table(4, (5, 8, 6), network=0.1, by_class=0.4),
    }
    truth = np.repeat(np.linspace(0, 1, 8)[:, None], 6, axis=1)
    exact = np.repeat(truth[None], 5, axis=0)
    widths = {}
    for axis, scores in {"none": exact * 0.1, **by_axis}.items():
        found = crossed_interval(rank_correlation, scores, truth)
        widths[axis] = found.high - found.low
    assert widths["none"] < 0.01
    assert widths["seeds"] > 0.2 and widths["classes"] > 0.2


def test_saturation_counts_networks_and_cells() -> None:
    scores = np.array([[[0.0, 0.02], [1.0, 0.99], [1.0, 0.0], [0.5, 0.6]]])
    assert saturation(scores) == {
        "networks low": 0.25,
        "networks high": 0.25,
        "cells low": 3 / 8,
        "cells high": 3 / 8,
    }


def test_networks_told_apart_take_classes_and_pictures() -> None:
    """Two of three networks are alike; the third differs by 20 points in each of twelve classes."""
    rng = RNG(5)
    rates = np.array([0.5, 0.5, 0.7])
    hits = rng.uniform(size=(1, 3, 12, 400)) < rates[None, :, None, None]
    hits[:, 1] = hits[:, 0]
    assert told_apart(hits, 400) == pytest.approx(2 / 3)
    assert told_apart(hits, 2) < 2 / 3
    assert told_apart(hits[:, :, :4], 400) == 0, "no p-value of four classes is below 0.05"


def test_reliability_is_between_seeds() -> None:
    same = np.repeat(RNG(6).uniform(size=(1, 10, 3)), 4, axis=0)
    assert reliability(same).low == pytest.approx(1)
    mixed = table(7, (4, 30, 3), network=0.2, by_seed=0.2)
    found = reliability(mixed)
    assert 0 < found.low < found.value < found.high < 1
    means = mixed.mean(axis=2)
    rhos = [stats.spearmanr(means[a], means[b]).statistic for a in range(4) for b in range(a)]
    assert found.value == pytest.approx(np.mean(rhos))


def test_calibration_reads_truth_from_scores_and_leaves_each_out() -> None:
    x = np.linspace(0, 1, 11)
    scores, truth = x[None, :, None] ** 2, x[:, None]
    order, fitted, error = calibration(scores, truth)
    assert (np.diff(order) >= 0).all() and fitted == pytest.approx(x)
    assert 0.01 < error < 0.06, "a left-out network is read from its neighbours, a tenth away"
    _, _, noisy = calibration(scores, RNG(8).permutation(truth))
    assert noisy > 0.2
    falling = calibration(1 - scores, truth)
    assert np.ptp(falling[1]) < 0.01, "a score that falls with reliance reads nothing"


def test_who_scores_higher_than_reliance_says() -> None:
    rng = RNG(9)
    truth = rng.uniform(size=(40, 5))
    scores = 0.2 + 0.5 * truth.mean(axis=1)[None, :, None] + 0.02 * rng.normal(size=(1, 40, 5))
    others_truth = rng.uniform(size=(4, 5))
    others = 0.2 + 0.5 * others_truth.mean(axis=1)[None, :, None] + np.zeros((1, 4, 5))
    fair = lean(scores, truth, others, others_truth)
    favoured = lean(scores, truth, others + 0.1, others_truth)
    assert fair.low < 0 < fair.high and fair.high - fair.low < 0.05
    assert favoured.low > 0.05 and favoured.value == pytest.approx(fair.value + 0.1)


def test_components_are_those_the_table_was_made_with() -> None:
    found = components(
        table(10, (12, 500, 20), network=0.20, by_class=0.30, by_seed=0.15, rest=0.25)
    )
    assert found.network == pytest.approx(0.04, rel=0.15)
    assert found.by_class == pytest.approx(0.09, rel=0.1)
    assert found.by_seed == pytest.approx(0.0225, rel=0.15)
    assert found.rest == pytest.approx(0.0625, rel=0.05)
    error = np.sqrt(found.by_class / 6 + found.by_seed / 2 + found.rest / 12)
    assert found.error(6, 2) == pytest.approx(error)
    assert found.reliability(6, 2) == pytest.approx(found.network / (found.network + error**2))
    nothing = components(np.full((3, 4, 5), 0.7))
    assert nothing.network == pytest.approx(0) and nothing.error(1, 1) == pytest.approx(0)
