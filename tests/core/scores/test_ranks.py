"""Ranks and their intervals against the definition by brute force, and against planted truths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import permutation_test

from spurbench.scores import ranks
from spurbench.scores.ranks import EXACT, PATTERNS, pairwise_p_values, ranks_of

Hits = Sequence[Sequence[int]]


def statistic(gaps: Sequence[int]) -> Fraction:
    """The square of sum over root of sum of squares: exact, for whole numbers."""
    return (
        Fraction(sum(gaps) ** 2, squares) if (squares := sum(g * g for g in gaps)) else Fraction(0)
    )


def by_definition(hits: Hits) -> tuple[list[list[Fraction]], list[tuple[int, int]]]:
    """Corrected p-values of all pairs, and each model's set of possible ranks: Mogstad and others'
    1 + |N-| to N - |N+|, where N- are the models surely below it and N+ those surely above."""
    models, classes = len(hits), len(hits[0])
    gaps = {
        (i, j): [a - b for a, b in zip(hits[i], hits[j], strict=True)]
        for i, j in product(range(models), repeat=2)
    }
    largest = [
        max(statistic([s * g for s, g in zip(signs, each, strict=True)]) for each in gaps.values())
        for signs in product((1, -1), repeat=classes)
    ]
    p = [
        [
            Fraction(sum(most >= statistic(gaps[i, j]) for most in largest), len(largest))
            if i != j
            else Fraction(1)
            for j in range(models)
        ]
        for i in range(models)
    ]
    sets = []
    for j in range(models):
        told = [i for i in range(models) if p[i][j] <= Fraction(1, 20)]
        fewer = [i for i in told if sum(hits[i]) < sum(hits[j])]
        more = [i for i in told if sum(hits[i]) > sum(hits[j])]
        sets.append((1 + len(fewer), models - len(more)))
    return p, sets


@pytest.mark.parametrize("seed", range(6))
def test_p_values_and_intervals_are_those_of_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    models, classes = 3 + seed % 3, 7 + seed % 2
    merit = rng.integers(5, 30, (models, 1)) + rng.integers(-4, 5, (1, classes))
    hits = np.clip(merit + rng.integers(-2, 3, (models, classes)), 0, 40)
    p, sets = by_definition(hits.tolist())
    found = ranks_of(hits / 40)
    assert found.p_values == pytest.approx(np.array(p, dtype=float), abs=1e-12)
    assert list(zip(found.low.tolist(), found.high.tolist(), strict=True)) == sets
    assert len(set(sets)) > 1, "a draw that tells"


def test_two_models_have_scipys_p_value() -> None:
    gaps = np.array([3, 1, -1, 5, 2, 2, 4]) / 40
    theirs = permutation_test(
        (gaps,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    p_values = pairwise_p_values(np.array([np.full(7, 0.2), 0.2 + gaps]))
    assert p_values == pytest.approx(np.array([[1, theirs.pvalue], [theirs.pvalue, 1]]))
    assert 0.01 < theirs.pvalue < 0.1


def test_ranks_do_not_fall_where_the_data_alone_would_let_them() -> None:
    """The second is a little worse than the first in every class, the third much better and much
    worse by turns and worse in the mean: it cannot be told from the first, and the second can."""
    first = np.full(8, 0.5)
    second = first + 0.02
    third = first + np.array([0.4, -0.3, 0.4, -0.3, 0.35, -0.25, 0.4, -0.3])
    table = np.array([second, third, first])
    assert table.mean(axis=1).argsort().tolist() == [2, 0, 1]
    found = ranks_of(table)
    assert found.low[[2, 0, 1]].tolist() == [1, 2, 1], "told one by one they would fall"
    assert found.rank[[2, 0, 1]].tolist() == [1, 2, 2]
    assert found.high[[2, 0, 1]].tolist() == [2, 3, 3]


def test_equal_means_have_equal_ranks_whoever_comes_first() -> None:
    """Of two models with one mean, the one that can be told from the first decides for both."""
    first = np.full(8, 0.5)
    steady = first + 0.0625
    wild = steady + np.array([0.25, -0.25] * 4)
    for table in ([first, steady, wild], [first, wild, steady]):
        found = ranks_of(np.array(table))
        assert found.rank.tolist() == [1, 2, 2] and sorted(found.low.tolist()) == [1, 1, 2]


def planted(rng: np.random.Generator, merits: np.ndarray, classes: int, own: float) -> np.ndarray:
    """Shares of 75 pictures: classes of their own difficulty, models of their own taste."""
    logits = (
        merits[:, None] + rng.normal(0, 1, classes) + rng.normal(0, own, (len(merits), classes))
    )
    return np.asarray(rng.binomial(75, 1 / (1 + np.exp(-logits))) / 75)


def test_a_planted_ranking_is_recovered() -> None:
    merits = np.linspace(-3, 3, 12)
    order = np.random.default_rng(1).permutation(12)
    found = ranks_of(planted(np.random.default_rng(0), merits[order], 60, 0.2))
    assert (found.rank - 1).tolist() == order.tolist()
    assert (found.low == found.high).all()


def test_planted_groups_are_recovered_and_within_them_nothing_is_told() -> None:
    merits = np.repeat([-2.0, 0.0, 2.0], 4)
    found = ranks_of(planted(np.random.default_rng(3), merits, 60, 0.3))
    assert found.rank.tolist() == [1] * 4 + [5] * 4 + [9] * 4
    assert found.high.tolist() == [4] * 4 + [8] * 4 + [12] * 4


@pytest.mark.parametrize("classes", [7, 12, 40])
def test_intervals_hold_all_true_ranks_as_often_as_they_say(classes: int) -> None:
    """Six models, of which three are equally good: no rank may be missed in more than 5 % of
    benchmarks (300, and what chance allows)."""
    merits = np.array([-1.0, -0.5, 0.0, 0.0, 0.0, 0.3])
    low, high = np.array([1, 2, 3, 3, 3, 6]), np.array([1, 2, 5, 5, 5, 6])
    rng = np.random.default_rng(classes)
    held, told = 0, 0
    for _ in range(300):
        found = ranks_of(planted(rng, merits, classes, 0.5))
        held += bool(((found.low <= low) & (high <= found.high)).all())
        told += int(found.below.sum())
    assert held / 300 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 300)
    assert told > 300 * (0.2 if classes == 7 else 1), (
        "an interval that says nothing holds everything"
    )


def test_more_classes_than_are_tried_out_are_drawn() -> None:
    """Against another draw, as near as chance lets two draws of 4,096 be; what is plain has the least
    p-value that there is."""
    rng = np.random.default_rng(8)
    table = planted(rng, np.array([0.0, 0.3, 0.5, 1.0]), EXACT + 5, 0.6)
    one, other = pairwise_p_values(table, seed=0), pairwise_p_values(table, seed=1)
    assert ((one > 0.02) & (one < 0.9)).any() and not np.array_equal(one, other)
    assert np.abs(one - other).max() < 5 * math.sqrt(0.25 * 2 / PATTERNS)
    apart = np.array([np.full(40, 0.2), np.linspace(0.5, 0.9, 40)])
    assert pairwise_p_values(apart)[0, 1] == 1 / PATTERNS
    exact = np.array([np.full(EXACT, 0.2), np.linspace(0.5, 0.9, EXACT)])
    assert pairwise_p_values(exact)[0, 1] == 2 / 2**EXACT


@pytest.mark.parametrize("classes", [1, 5])
def test_too_few_classes_leave_every_rank_possible(classes: int) -> None:
    found = ranks_of(np.array([[0.1] * classes, [0.9] * classes, [0.5] * classes]))
    assert np.isnan(found.p_values).all() and not found.below.any()
    assert found.rank.tolist() == found.low.tolist() == [1, 1, 1]
    assert found.high.tolist() == [3, 3, 3]
    assert ranks_of(np.array([[0.1] * 6, [0.9] * 6])).rank.tolist() == [1, 2]


def test_one_model_is_the_first_of_one_and_none_have_no_ranks() -> None:
    found = ranks_of(np.full((1, 6), 0.4))
    assert (found.rank.tolist(), found.low.tolist(), found.high.tolist()) == ([1], [1], [1])
    assert len(ranks_of(np.zeros((0, 6))).rank) == 0


def test_models_that_are_alike_in_every_class_tie_and_trouble_nobody() -> None:
    table = np.array([[0.2] * 7, [0.6, 0.7, 0.8, 0.6, 0.7, 0.9, 0.6], [0.2] * 7])
    found = ranks_of(table)
    assert found.rank.tolist() == [1, 3, 1] and found.high.tolist() == [2, 3, 2]
    assert found.p_values[0, 2] == 1.0


def test_how_many_patterns_are_looked_at_together_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = planted(np.random.default_rng(2), np.array([0, 0.1, 0.4, 0.9]), 9, 0.3)
    whole = pairwise_p_values(table)
    monkeypatch.setattr(ranks, "AT_ONCE", 7)
    assert np.array_equal(whole, pairwise_p_values(table))


def test_the_level_and_the_seed_are_the_callers() -> None:
    table = planted(np.random.default_rng(4), np.array([0, 0.5, 1.0]), 16, 0.5)
    strict, loose = ranks_of(table, level=1 / PATTERNS), ranks_of(table, level=0.5)
    assert strict.below.sum() < ranks_of(table).below.sum() <= loose.below.sum()
    least = np.array([np.full(7, 0.2), np.linspace(0.5, 0.9, 7)])
    assert ranks_of(least, level=1 / 64).below[0, 1], "a p-value at the level is one that counts"
    assert not ranks_of(least, level=0.99 / 64).below.any()
    assert not np.array_equal(ranks_of(table, seed=5).p_values, ranks_of(table).p_values)


@pytest.mark.parametrize("table", [np.zeros(6), np.zeros((2, 0))])
def test_a_table_of_models_and_classes_is_wanted(table: np.ndarray) -> None:
    for ask in (pairwise_p_values, ranks_of):
        with pytest.raises(ValueError, match="by model and class"):
            ask(table)


TABLES = st.tuples(st.integers(1, 6), st.integers(5, 9)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 12))
)


@given(TABLES, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_what_ranks_always_are(hits: np.ndarray, random: object) -> None:
    """Within their intervals, never falling, the same whatever the order of models and of classes."""
    table = hits / 12
    found = ranks_of(table)
    assert (found.low >= 1).all() and (found.high <= len(table)).all()
    assert ((found.low <= found.rank) & (found.rank <= found.high)).all()
    order = np.lexsort((hits.sum(axis=1),))
    assert (np.diff(found.rank[order]) >= 0).all() and found.rank.min() == 1
    assert not (found.below & found.below.T).any()
    rng = np.random.default_rng(getattr(random, "randrange")(1000))  # noqa: B009
    models, classes = (rng.permutation(n) for n in table.shape)
    other = ranks_of(table[models][:, classes])
    for name in ("rank", "low", "high"):
        assert np.array_equal(getattr(found, name)[models], getattr(other, name)), name
    turned = ranks_of(1 - table)
    assert np.array_equal(turned.low, len(table) + 1 - found.high), "the same from the other end"


@given(TABLES, st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_a_copy_of_a_model_takes_a_place_and_moves_nothing_else(
    hits: np.ndarray, which: int
) -> None:
    """Who is surely behind the model is behind its copy too; nobody else's first place changes."""
    table, which = hits / 12, which % len(hits)
    before, after = ranks_of(table), ranks_of(np.vstack([table, table[which : which + 1]]))
    count = len(table)
    assert np.array_equal(after.below[:count, :count], before.below)
    assert np.array_equal(after.low[:count], before.low + before.below[which])
    assert np.array_equal(after.high[:count], before.high + ~before.below[:, which])
    for name in ("rank", "low", "high"):
        assert getattr(after, name)[which] == getattr(after, name)[count]
