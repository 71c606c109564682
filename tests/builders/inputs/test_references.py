"""Selection of references, and pictures of the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spurbench.dataset.schema import PanelPrediction
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.inputs.pool import own_pool, pool_fingerprint
from spurbench_builders.inputs.references import select_references
from tests.conftest import picture


def said(*labels: int) -> tuple[PanelPrediction, ...]:
    return tuple(PanelPrediction(f"m{i}", label, 0.5) for i, label in enumerate(labels))


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
