"""Selection of references, and pictures of the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spurbench.dataset.schema import PanelPrediction
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.inputs.pool import own_pool, pool_fingerprint
from spurbench_builders.inputs.references import (
    consistent_references,
    drawn_at_random,
    drawn_from_strata,
)
from tests.conftest import picture


def said(*labels: int) -> tuple[PanelPrediction, ...]:
    return tuple(PanelPrediction(f"m{i}", label, 0.5) for i, label in enumerate(labels))


def select_references(
    predictions: list[tuple[PanelPrediction, ...]],
    label: int,
    count: int,
    seed: int,
    name: str,
    summary: str,
) -> list[int]:
    consistent = consistent_references(predictions, label, count, name, summary)
    return drawn_at_random(consistent, count, seed)


def test_only_pictures_that_fool_everyone_are_taken() -> None:
    predictions = [said(1, 1), said(1, 0), said(1, 1), said(0, 0), said(1, 1), said(1, 1)]
    for seed in range(20):
        chosen = select_references(predictions, 1, 2, seed, "koala", "")
        assert len(chosen) == 2 and set(chosen) <= {0, 2, 4, 5} and chosen == sorted(chosen)
    assert {i for s in range(20) for i in select_references(predictions, 1, 2, s, "", "")} == {
        0,
        2,
        4,
        5,
    }
    picks = {tuple(select_references(predictions, 1, 2, s, "koala", "")) for s in range(20)}
    assert len(picks) > 1, "the seed decides"


def test_no_reference_is_drawn_twice_and_all_may_be_taken() -> None:
    predictions = [said(1, 1), said(0, 1), *[said(1, 1)] * 7]
    for seed in range(30):
        chosen = select_references(predictions, 1, 7, seed, "koala", "")
        assert len(set(chosen)) == 7 and chosen == sorted(chosen) and 1 not in chosen
    assert select_references(predictions, 1, 8, 3, "koala", "") == [0, *range(2, 9)]
    assert all(type(i) is int for i in select_references(predictions, 1, 3, 3, "koala", ""))


def test_the_draw_is_numpys_by_the_builds_seed() -> None:
    """So that a build with the same seed takes the same pictures in every version."""
    consistent = [1, 2, 5, 6, 9, 11]
    predictions = [said(1, 1) if i in consistent else said(1, 0) for i in range(13)]
    for seed in (0, 7):
        drawn = np.random.default_rng(seed).choice(consistent, 3, replace=False)
        assert select_references(predictions, 1, 3, seed, "x", "") == sorted(drawn.tolist())


KINDS = ((0, 0), (9, 1), (2, 8))
"""Three heaps of 20, 4 and 2 pictures, far apart; which heap a picture is of follows no order."""
HEAPS = np.random.default_rng(3).permutation([0] * 20 + [1] * 4 + [2] * 2)
FEATURES = (
    np.array(KINDS, dtype=np.float32)[HEAPS] + np.random.default_rng(4).normal(0, 0.3, (26, 2))
).astype(np.float32)
PLACES = [3 * i + 1 for i in range(26)]
"""Of the pictures in the pool: not all of it fools the panel."""


def test_strata_give_one_of_each_kind_whatever_the_seed() -> None:
    """At random a kind of two in 26 is missed in most draws; the seed still decides which picture."""
    heap = dict(zip(PLACES, HEAPS.tolist(), strict=True))
    drawn, missed = set(), 0
    for seed in range(60):
        chosen = drawn_from_strata(PLACES, FEATURES, 3, seed)
        assert chosen == sorted(chosen) and all(type(i) is int for i in chosen)
        assert sorted(heap[i] for i in chosen) == [0, 1, 2]
        drawn.update(chosen)
        missed += len({heap[i] for i in drawn_at_random(PLACES, 3, seed)}) < 3
    assert drawn == set(PLACES), "every picture of a stratum can be drawn"
    assert missed > 30


def test_strata_are_of_the_pictures_and_not_of_their_order() -> None:
    """The same pictures in another order are in the same groups, and one stratum is a draw at random."""
    heap = dict(zip(PLACES[::-1], HEAPS[::-1].tolist(), strict=True))
    for seed in range(10):
        chosen = drawn_from_strata(PLACES[::-1], FEATURES[::-1], 3, seed)
        assert sorted(heap[i] for i in chosen) == [0, 1, 2]
        assert drawn_from_strata(PLACES, FEATURES, 1, seed) == drawn_at_random(PLACES, 1, seed)
    assert drawn_from_strata(PLACES, FEATURES, 26, 5) == PLACES, "as many strata as pictures"


def test_most_of_the_panel_is_not_all() -> None:
    predictions = [said(1, 1, 1, 0), said(0, 1, 1, 1), said(1, 1, 0, 1)]
    with pytest.raises(UserError, match="only 0 of 3 references"):
        select_references(predictions, 1, 1, 0, "koala", "")


def test_too_few_is_an_error_with_the_counts() -> None:
    with pytest.raises(UserError) as caught:
        select_references([said(1, 1), said(0, 1)], 1, 6, 0, "koala", "m0 1/2")
    assert str(caught.value) == (
        "koala: only 1 of 2 references fool the whole panel, 6 are needed (m0 1/2); "
        "give more references, or lower references.count in the recipe"
    )


def test_own_pictures_by_class_folder_or_flat(tmp_path: Path) -> None:
    folder = tmp_path / "koala"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes(png_bytes(picture(i)))
    pool = own_pool(tmp_path, "koala")
    assert [p.origin for p in pool] == ["0.png", "1.png", "2.png"]
    assert pool_fingerprint(pool) == pool_fingerprint(own_pool(folder, "koala"))
    with pytest.raises(UserError, match="no such folder"):
        own_pool(tmp_path, "gondola", flat=False)
    (folder / "1.png").unlink()
    (folder / "2.png").unlink()
    with pytest.raises(UserError, match="at least 2 are needed"):
        own_pool(tmp_path, "koala")
