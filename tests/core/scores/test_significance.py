"""Sign-flip tests against scipy and enumeration, Holm's correction by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from spurbench.scores.significance import (
    DRAWS,
    EXACT,
    holm,
    least_classes,
    sign_flip,
)

ROWS = np.array(
    [
        [0.2, 0.1, -0.05, 0.3, 0.12, 0.07],
        [-0.2, 0.1, -0.05, 0.3, -0.12, 0.07],
        [-0.2, -0.1, -0.05, -0.3, -0.12, -0.07],
    ]
)


def mean(values: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(values.mean(axis=axis))


def test_exact_p_values_equal_scipy() -> None:
    for row, ours in zip(ROWS, sign_flip(ROWS), strict=True):
        theirs = permutation_test(
            (row,), mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        )
        assert ours == pytest.approx(theirs.pvalue)


def test_by_hand() -> None:
    """Six classes that all lean one way: of 64 patterns only that one and its mirror are as far."""
    assert sign_flip(ROWS[2:]) == pytest.approx([2 / 64])
    assert sign_flip(np.array([[0.1] * 5 + [-0.1]])) == pytest.approx([(2 + 12) / 64])
    assert sign_flip(np.zeros((1, 6))) == pytest.approx([1.0])


def test_many_classes_come_near_scipy_and_are_never_zero() -> None:
    rng = np.random.default_rng(3)
    row = rng.normal(0.03, 0.1, 30)
    theirs = permutation_test(
        (row,), mean, permutation_type="samples", n_resamples=50_000, rng=np.random.default_rng(1)
    ).pvalue
    (ours,) = sign_flip(row[None])
    assert 0.01 < theirs < 0.9, "a value that tells"
    assert ours == pytest.approx(theirs, abs=5 * math.sqrt(theirs / DRAWS))
    assert sign_flip(np.full((1, 40), 0.2)) == pytest.approx([1 / DRAWS])


@pytest.mark.parametrize(("classes", "tested"), [(2, False), (5, False), (6, True)])
def test_too_few_classes_give_no_p_value(classes: int, tested: bool) -> None:
    assert least_classes() == 6 and least_classes(0.01) == 8
    (p_value,) = sign_flip(np.full((1, classes), 0.4))
    assert math.isnan(p_value) is not tested


def test_pairs_do_not_decide_each_other() -> None:
    """However many pairs are tested at once, and in which order."""
    rng = np.random.default_rng(0)
    for classes in (EXACT, EXACT + 1):
        table = rng.choice([-0.2, -0.1, 0.0, 0.1, 0.3], size=(1203, classes))
        together = sign_flip(table)
        assert together[:3].tolist() == sign_flip(table[:3]).tolist()
        assert together[::-1].tolist() == sign_flip(table[::-1]).tolist()
        assert len(together) == 1203


@given(st.lists(st.integers(-75, 75), min_size=6, max_size=16))
@settings(max_examples=30, deadline=None)
def test_sides_and_order_of_classes_do_not_matter(counts: list[int]) -> None:
    row = np.array([counts]) / 75
    (p_value,) = sign_flip(row)
    assert 0 < p_value <= 1
    assert sign_flip(-row) == pytest.approx([p_value])
    if len(counts) <= EXACT:
        assert sign_flip(row[:, ::-1]) == pytest.approx([p_value])


def test_false_alarms_keep_to_the_level() -> None:
    """Two equally good models that differ class by class: 2000 benchmarks of 7, and of 40 classes."""
    rng = np.random.default_rng(5)
    for classes in (7, 40):
        gaps = rng.normal(0, 0.2, (2000, classes)) * rng.exponential(1, (2000, classes))
        alarms = float((sign_flip(gaps) <= 0.05).mean())
        assert alarms < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)
        assert alarms > 0.02, "it can find something"


@pytest.mark.parametrize("table", [np.zeros(6), np.zeros((2, 0))])
def test_a_table_of_pairs_and_classes_is_wanted(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="by pair and class"):
        sign_flip(table)


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
    found = holm([0.02, math.nan, 0.01])
    assert found[0] == pytest.approx(0.02) and found[2] == pytest.approx(0.02)
    assert math.isnan(found[1]), "what is not tested does not count"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.randoms())
def test_holm_keeps_order_and_lies_between_raw_and_bonferroni(
    p_values: list[float], random: object
) -> None:
    corrected = holm(p_values)
    for raw, adjusted in zip(p_values, corrected, strict=True):
        assert raw - 1e-12 <= adjusted <= min(1.0, raw * len(p_values)) + 1e-12
    by_raw = [c for _, c in sorted(zip(p_values, corrected, strict=True))]
    assert by_raw == sorted(by_raw)
