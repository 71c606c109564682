"""Metrics against scikit-learn, textbook cases worked by hand, and properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import average_precision_score

from spurbench.scores.metrics import (
    fleiss_kappa,
    fooled_by_all,
    most_common,
    separation,
    spurious_score,
)

scores = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=40)


def average_precision_by_hand(positive: list[float], negative: list[float]) -> float:
    """Sum over thresholds of precision times the gain in recall, straight from the definition, as if
    positives were 40 of 100."""
    total, before = 0.0, 0.0
    for threshold in sorted(set(positive + negative), reverse=True):
        recall = sum(p >= threshold for p in positive) / len(positive)
        fall_out = sum(n >= threshold for n in negative) / len(negative)
        total += (recall - before) * 40 * recall / (40 * recall + 60 * fall_out)
        before = recall
    return total


@given(scores, scores)
def test_separation_equals_its_definitions(positive: list[float], negative: list[float]) -> None:
    found = separation(positive, negative)
    assert found.average_precision == pytest.approx(average_precision_by_hand(positive, negative))
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert found.roc_auc == pytest.approx(np.mean(pairs))
    u = mannwhitneyu(positive, negative).statistic
    assert found.roc_auc == pytest.approx(u / (len(positive) * len(negative)))


@pytest.mark.parametrize("pictures", [(50, 100), (50, 45), (64, 89), (50, 75), (3, 2)])
def test_what_is_told_apart_wholly_is_one_and_no_more(pictures: tuple[int, int]) -> None:
    """Weights that sum to 1 but for a rounding gave 1.0000000000000002, which is no share."""
    positive, negative = np.arange(pictures[0]) + 1000.0, np.arange(pictures[1])
    found = separation(positive, negative)
    assert (found.average_precision, found.roc_auc) == (1.0, 1.0)
    assert spurious_score(positive, negative) in (1.0, None)


def test_average_precision_on_a_case_worked_by_hand() -> None:
    """Two validation pictures, three others: ranked v s v s s, and 2 of 5 are 40 %: AP is
    (1/1 + 2/3) / 2. With nine others of the same kind it is the same."""
    found = separation([0.9, 0.5], [0.7, 0.4, 0.1])
    assert found.average_precision == pytest.approx(5 / 6)
    assert found.roc_auc == pytest.approx(5 / 6)
    truth, values = [1, 1, 0, 0, 0], [0.9, 0.5, 0.7, 0.4, 0.1]
    assert found.average_precision == pytest.approx(average_precision_score(truth, values))
    more = separation([0.9, 0.5], [0.7, 0.4, 0.1] * 3)
    assert more.average_precision == pytest.approx(5 / 6)
    assert more.average_precision != pytest.approx(
        average_precision_score([1, 1, *[0] * 9], [0.9, 0.5, *[0.7, 0.4, 0.1] * 3])
    )


def test_spurious_imagenets_own_score_is_of_its_own_numbers() -> None:
    rng = np.random.default_rng(2)
    validation, references = rng.normal(1, 1, 50), rng.normal(0, 1, 75)
    truth = np.repeat([1, 0], [50, 75])
    expected = average_precision_score(truth, np.concatenate([validation, references]))
    assert spurious_score(validation, references) == expected
    assert 0.4 < expected < 1, "a value that tells"
    assert separation(validation, references).average_precision == pytest.approx(expected)
    for counts in ((49, 75), (50, 74), (75, 50)):
        assert spurious_score(np.ones(counts[0]), np.zeros(counts[1])) is None


def test_a_useless_score_has_spurious_imagenets_chance_level() -> None:
    assert separation([0.5] * 7, [0.5] * 3).average_precision == pytest.approx(0.40)
    assert separation([0.5] * 50, [0.5] * 75).average_precision == pytest.approx(0.40)
    assert separation([0.5] * 50, [0.5] * 75).roc_auc == 0.5


@given(scores, scores)
def test_separation_asks_only_for_the_order(positive: list[float], negative: list[float]) -> None:
    def squeezed(values: list[float]) -> list[float]:
        return [1 / (1 + np.exp(-v / 4)) for v in values]

    found, again = (
        separation(positive, negative),
        separation(squeezed(positive), squeezed(negative)),
    )
    assert found.average_precision == pytest.approx(again.average_precision)
    assert found.roc_auc == pytest.approx(again.roc_auc)


def test_separation_needs_both_sides() -> None:
    with pytest.raises(ValueError, match="^both sides need pictures$"):
        separation([], [1.0])
    with pytest.raises(ValueError, match="^both sides need pictures$"):
        separation([1.0], [])


def test_fleiss_kappa_of_his_published_example() -> None:
    """Fleiss (1971): 10 subjects, 14 raters, 5 categories; kappa 0.210."""
    table = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    ratings = [np.repeat(np.arange(5), counts) for counts in table]
    assert fleiss_kappa(ratings) == pytest.approx(0.20993, abs=1e-5)


def test_kappa_of_two_raters_by_hand() -> None:
    """Agreement on 3 of 4 subjects, shares 5/8 and 3/8: (3/4 - 34/64) / (1 - 34/64) = 7/15."""
    assert fleiss_kappa([[1, 1], [1, 1], [0, 0], [1, 0]]) == pytest.approx(7 / 15)


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=30))
def test_kappa_is_bounded_and_does_not_mind_who_rates(ratings: list[list[bool]]) -> None:
    kappa = fleiss_kappa(ratings)
    alike = len({value for row in ratings for value in row}) == 1
    assert (kappa is None) == alike
    if kappa is not None:
        assert -1 <= kappa <= 1
        assert fleiss_kappa([row[::-1] for row in reversed(ratings)]) == pytest.approx(kappa)
        assert (kappa == pytest.approx(1)) == all(len(set(row)) == 1 for row in ratings)


@pytest.mark.parametrize("ratings", [[], [[1], [0]], [1, 0]])
def test_kappa_needs_two_raters(ratings: list[Any]) -> None:
    with pytest.raises(ValueError, match="^needs two raters or more, and a subject$"):
        fleiss_kappa(ratings)


def test_fooled_by_all_and_most_common() -> None:
    assert fooled_by_all([[1, 1], [1, 0], [0, 0]]).tolist() == [1, 0, 0]
    said = [("crane", 517), ("bee", 309), ("crane", 134), ("bee", 309)]
    assert most_common(said) == [(("bee", 309), 2), (("crane", 134), 1), (("crane", 517), 1)]
    assert most_common(said, top=1) == [(("bee", 309), 2)]
    assert fooled_by_all([[1, 1]]).dtype == np.float64


def test_the_most_common_come_first_whatever_their_names() -> None:
    counts = {"a": 1, "b": 4, "c": 2, "d": 7, "e": 3, "f": 6, "g": 5}
    said = [(name, 0) for name, count in counts.items() for _ in range(count)]
    found = most_common(said)
    assert found == [(("d", 0), 7), (("f", 0), 6), (("g", 0), 5), (("b", 0), 4), (("e", 0), 3)]
