"""Who is ahead of whom: the restricted reading, exact sign-flip tests, Holm's correction, ties."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from spurbench.results import HeadScore, Interval, Means, Result, SplitScore
from spurbench_leaderboard.markdown import leaderboard
from spurbench_leaderboard.ranking import compared_classes, different, main_split, ranked
from tests.leaderboard.test_table import board_result, rows

TIES = "Models share a rank where a sign-flip test over classes cannot tell them apart"


def share(hits: float) -> Interval:
    return Interval(value=hits / 40, low=None, high=None)


def scored(
    spec: str,
    restricted: Sequence[int],
    full: Sequence[int] | None = None,
    split: str = "generated",
) -> Result:
    """A model's hits of 40 pictures of each class, by the restricted reading and the full head."""
    every = full or [min(40, hits + 7) for hits in restricted]
    scores = [
        SplitScore(
            class_name=f"class {i}", slug=f"class-{i}", label=i, split=split, n=40, hits=whole,
            top1=share(whole), mean_probability=0.5,
            restricted=HeadScore(hits=hits, top1=share(hits), mean_probability=0.5),
        )
        for i, (hits, whole) in enumerate(zip(restricted, every, strict=True))
    ]  # fmt: skip
    inner = Means(top1=share(float(np.mean(restricted))))
    means = {split: Means(top1=share(float(np.mean(every))), restricted=inner)}
    result = board_result(spec, {split: share(0)})
    return result.model_copy(update={"scores": scores, "means": means})


# Eight classes; b is near a, c beyond both, d beyond all.
A = (10, 12, 8, 14, 11, 9, 13, 10)
B = (11, 11, 9, 13, 12, 8, 14, 9)
C = (16, 18, 15, 20, 17, 15, 20, 16)
D = (30, 31, 29, 35, 30, 33, 34, 32)


def by_hand(tables: Sequence[Sequence[int]]) -> np.ndarray:
    """scipy's permutation test of every pair, all at the 5 % level of Holm's steps."""
    pairs = list(combinations(range(len(tables)), 2))
    p_values = []
    for one, other in pairs:
        gaps = np.subtract(tables[one], tables[other])
        test = stats.permutation_test(
            (gaps,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
        )
        p_values.append(test.pvalue)
    differ = np.zeros((len(tables), len(tables)), dtype=bool)
    for step, at in enumerate(np.argsort(p_values)):
        if p_values[at] * (len(pairs) - step) > 0.05:
            break
        one, other = pairs[at]
        differ[one, other] = differ[other, one] = True
    return differ


def test_models_differ_where_scipys_test_says_so_after_correction() -> None:
    tables = (C, A, D, B)
    results = [scored(f"made/{i}", table) for i, table in enumerate(tables)]
    expected = by_hand(tables)
    assert expected.sum() == 2 * 5, "all but one pair"
    assert np.array_equal(different(results, "generated"), expected)


def test_what_cannot_be_told_apart_shares_a_rank_and_the_next_counts_all_before() -> None:
    results = [scored(f"made/{n}", t) for n, t in (("d", D), ("b", B), ("c", C), ("a", A))]
    found = [(place.rank, place.result.model.spec) for place in ranked(results)]
    assert sum(A) == sum(B), "equal in the mean: by name"
    assert found == [(1, "made/a"), (1, "made/b"), (3, "made/c"), (4, "made/d")]
    text = leaderboard(results)
    assert [row[0] for row in rows(text)] == ["1", "1", "3", "4"]
    assert f"{TIES} (5 %, corrected for all pairs)." in text


def test_a_difference_that_is_none_after_correction_is_a_tie() -> None:
    """Of seven classes one goes the other way by a little: p = 4/128 for one pair, too much of three."""
    low, high = (10,) * 7, (14, 15, 13, 14, 16, 15, 9)
    gaps = np.subtract(high, low)
    test = stats.permutation_test(
        (gaps,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert 0.05 / 3 < test.pvalue < 0.05
    pair = [scored("made/low", low), scored("made/high", high)]
    assert [p.rank for p in ranked(pair)] == [1, 2]
    more = [*pair, scored("made/same", [11, 9, 11, 9, 11, 9, 10])]
    assert [p.rank for p in ranked(more)] == [1, 1, 1]


def test_the_restricted_reading_ranks_and_is_shown() -> None:
    """By the full head the other one would be ahead."""
    small, large = scored("made/small", A, D), scored("made/large", D, A)
    assert [p.result.model.spec for p in ranked([large, small])] == ["made/small", "made/large"]
    assert [row[1:3] for row in rows(leaderboard([large, small]))] == [
        ["`made/small`", f"{100 * sum(A) / 320:.1f}"],
        ["`made/large`", f"{100 * sum(D) / 320:.1f}"],
    ]


def test_a_difference_counts_by_the_restricted_reading_alone() -> None:
    differ = [scored("made/a", A, [20] * 8), scored("made/d", D, [20] * 8)]
    assert [p.rank for p in ranked(differ)] == [1, 2], "over the full head they are the same"
    alike = [scored("made/a", A, A), scored("made/b", B, D)]
    assert [p.rank for p in ranked(alike)] == [1, 1]


@pytest.mark.parametrize(("classes", "told"), [(5, False), (6, True)])
def test_fewer_classes_than_a_test_takes_are_one_rank_and_the_caption_says_so(
    classes: int, told: bool
) -> None:
    """Two to the 1 - C is above 0.05 up to five classes."""
    results = [scored("made/a", A[:classes]), scored("made/d", D[:classes])]
    assert [p.rank for p in ranked(results)] == [1, 2 if told else 1]
    text = leaderboard(results)
    few = "All share a rank: 5 classes are too few to tell any two apart."
    assert (few in text, TIES in text) == (not told, told)


def test_only_classes_that_all_have_count() -> None:
    """Seven of eight classes in one result, as where a class's pictures cannot be read: six in two."""
    first, second = scored("made/a", A), scored("made/d", D)
    first = first.model_copy(update={"scores": first.scores[1:]})
    second = second.model_copy(update={"scores": second.scores[:-1]})
    assert compared_classes([first, second]) == 6
    assert [p.rank for p in ranked([first, second])] == [1, 2]
    fewer = second.model_copy(update={"scores": second.scores[:-1]})
    assert compared_classes([first, fewer]) == 5
    assert "5 classes are too few" in leaderboard([first, fewer])


def test_a_result_without_the_split_that_ranks_spoils_no_other() -> None:
    results = [scored("made/d", D, split="si"), scored("made/a", A, split="si")]
    other = scored("made/z", A, split="val")
    assert main_split([*results, other]) == "si" and main_split(results) == "si"
    assert main_split([scored("made/a", A)]) == "generated"
    found = [(p.rank, p.result.model.spec) for p in ranked([other, *results])]
    assert found == [(1, "made/a"), (2, "made/d"), (None, "made/z")]


def test_no_results_differ_from_none() -> None:
    assert different([], "generated").shape == (0, 0) and ranked([]) == []
    assert compared_classes([]) == 0
