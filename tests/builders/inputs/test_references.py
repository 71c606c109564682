"""Selection of references, and pictures of the user's own."""

from __future__ import annotations

from pathlib import Path

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
    picks = {tuple(select_references(predictions, 1, 2, s, "koala", "")) for s in range(20)}
    assert len(picks) > 1, "the seed decides"


def test_too_few_is_an_error_with_the_counts() -> None:
    with pytest.raises(
        UserError, match="only 1 of 2 references fool the whole panel, 6 are needed"
    ):
        select_references([said(1, 1), said(0, 1)], 1, 6, 0, "koala", "m0 1/2")


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
