"""Results to ranks: the restricted reading, who is not ranked, ties, which split and classes count."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest

from spurbench.results import HeadScore, Interval, Means, Result, SplitScore
from spurbench.scores.ranks import ranks_of
from spurbench_leaderboard.markdown import leaderboard
from spurbench_leaderboard.plausible import FLOOR
from spurbench_leaderboard.ranking import ranking_of, ranking_split
from tests.leaderboard.test_table import board_result, rows


def share(hits: float) -> Interval:
    return Interval(value=hits / 40, low=None, high=None)


def scored(
    spec: str,
    restricted: Sequence[int],
    full: Sequence[int] | None = None,
    split: str = "generated",
    val: float | None = None,
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
    if val is not None:
        accuracy = Means(top1=share(40 * val))
        means["val"] = Means(top1=share(0), restricted=accuracy)
    result = board_result(spec, {split: share(0)})
    return result.model_copy(update={"scores": scores, "means": means})


# Eight classes; b is near a, c beyond both, d beyond all.
A = (10, 12, 8, 14, 11, 9, 13, 10)
B = (11, 11, 9, 13, 12, 8, 14, 9)
C = (16, 18, 15, 20, 17, 15, 20, 16)
D = (30, 31, 29, 35, 30, 33, 34, 32)


def places(results: Sequence[Result]) -> list[tuple[str, int, int, int]]:
    """Of every ranked result: name, rank, and the interval's ends."""
    return [
        (place.result.model.spec.removeprefix("made/"), place.rank, place.low, place.high)
        for place in ranking_of(results).places
    ]


def test_ranks_are_of_the_shares_by_class_and_equals_go_by_name() -> None:
    results = [scored(f"made/{n}", t) for n, t in (("d", D), ("b", B), ("c", C), ("a", A))]
    assert sum(A) == sum(B), "equal in the mean: by name"
    expected = [("a", 1, 1, 2), ("b", 1, 1, 2), ("c", 3, 3, 3), ("d", 4, 4, 4)]
    for given in permutations(results):
        assert places(given) == expected
    found = ranks_of(np.array([A, B, C, D]) / 40)
    assert found.rank.tolist() == [rank for _, rank, _, _ in expected]


def test_ranks_never_fall_down_the_table_and_the_interval_says_what_is_possible() -> None:
    """The last varies from class to class, and cannot be told from the first; the middle one can."""
    wild = (36, 8, 36, 8, 34, 10, 36, 8)
    results = [scored("made/w", wild), scored("made/m", [21] * 8), scored("made/f", [20] * 8)]
    expected = [("f", 1, 1, 2), ("m", 2, 2, 3), ("w", 2, 1, 3)]
    assert places(results) == expected
    shown = [
        line.split("|")[1].strip() for line in leaderboard(results).splitlines() if "made/" in line
    ]
    assert shown == ["1 (1-2)", "2 (2-3)", "2 (1-3)"]


def test_the_restricted_reading_ranks_and_is_shown() -> None:
    """By the full head the other one would be ahead."""
    small, large = scored("made/small", A, D), scored("made/large", D, A)
    assert places([large, small]) == [("small", 1, 1, 1), ("large", 2, 2, 2)]
    assert [row[1:3] for row in rows(leaderboard([large, small]))] == [
        ["made/small", f"{100 * sum(A) / 320:.1f}"],
        ["made/large", f"{100 * sum(D) / 320:.1f}"],
    ]


def test_where_there_is_no_restricted_reading_the_whole_head_ranks() -> None:
    """Files of version 1."""
    old = [scored("made/a", D, A), scored("made/b", A, D)]
    for result in old:
        for score in result.scores:
            object.__setattr__(score, "restricted", None)
    assert places(old) == [("a", 1, 1, 1), ("b", 2, 2, 2)]


def test_a_difference_counts_by_the_restricted_reading_alone() -> None:
    differ = [scored("made/a", A, [20] * 8), scored("made/d", D, [20] * 8)]
    assert [place.rank for place in ranking_of(differ).places] == [1, 2]
    alike = [scored("made/a", A, A), scored("made/b", B, D)]
    assert [place.rank for place in ranking_of(alike).places] == [1, 1]


@pytest.mark.parametrize(("classes", "told"), [(5, False), (6, True)])
def test_fewer_classes_than_a_test_takes_are_one_rank_and_the_caption_says_so(
    classes: int, told: bool
) -> None:
    """Two to the 1 - C is above 0.05 up to five classes."""
    results = [scored("made/a", A[:classes]), scored("made/d", D[:classes])]
    assert places(results)[1] == (("d", 2, 2, 2) if told else ("d", 1, 1, 2))
    text = leaderboard(results)
    few = "All share a rank: 5 classes are too few to tell any two apart."
    assert (few in text, "true of all models at once with 95 % confidence." in text) == (
        not told,
        told,
    )


def test_a_result_that_lacks_classes_is_not_ranked_and_spoils_no_other() -> None:
    """As where a class's pictures cannot be read: only what most have counts."""
    results = [scored("made/a", A), scored("made/d", D), scored("made/c", C)]
    short = scored("made/short", A[:3])
    more = scored("made/more", (*A, 5))
    found = ranking_of([short, *results, more])
    assert found.classes == tuple(f"class-{i}" for i in range(8))
    assert places([short, *results, more]) == places(results)
    assert [(each.result.model.spec, each.reason) for each in found.unranked] == [
        ("made/more", "it has pictures of 1 more than the others' 8 classes"),
        ("made/short", "it has no pictures of 5 of 8 classes"),
    ]


def test_as_many_classes_as_can_be_where_each_is_alone() -> None:
    found = ranking_of([scored("made/a", A[:7]), scored("made/b", B)])
    assert [p.result.model.spec for p in found.places] == ["made/b"] and len(found.classes) == 8


def test_a_result_without_the_split_that_ranks_spoils_no_other() -> None:
    results = [scored("made/d", D), scored("made/a", A)]
    other = scored("made/z", A, split="si")
    found = ranking_of([other, *results])
    assert found.split == "generated" and places([other, *results]) == places(results)
    (left,) = found.unranked
    assert left.reason == "it has no pictures of the split generated"
    assert ranking_split([other, other, results[0]]) == "si"
    assert ranking_split([other, results[0]]) == "generated"


def test_who_names_hardly_any_object_is_listed_and_not_ranked() -> None:
    """A network that says nothing has no spurious answers: the floor is by the restricted reading."""
    silent = scored("made/silent", [0] * 8, val=FLOOR - 0.001)
    least = scored("made/least", A, val=FLOOR)
    found = ranking_of([silent, least, scored("made/d", D, val=0.9)])
    assert [p.result.model.spec for p in found.places] == ["made/least", "made/d"]
    assert [(p.rank, p.high) for p in found.places] == [(1, 1), (2, 2)]
    (left,) = found.unranked
    assert left.result.model.spec == "made/silent"
    assert left.reason.startswith("accuracy on validation pictures is 39.9 %, below 40 %")


def test_all_reasons_are_given() -> None:
    (left,) = ranking_of(
        [scored("made/a", A), scored("made/d", D), scored("made/z", A[:3], val=0.1)]
    ).unranked
    assert left.reason.startswith("it has no pictures of 5 of 8 classes; accuracy on")


def test_nothing_to_rank() -> None:
    found = ranking_of([])
    assert (found.places, found.unranked, found.classes) == ((), (), ())
    alone = ranking_of([scored("made/a", A)])
    assert [(p.rank, p.low, p.high) for p in alone.places] == [(1, 1, 1)]
