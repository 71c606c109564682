"""A scored model on disk: what is read back is what was computed, or an error says what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench.results import DataRecord, ModelRecord
from spurbench.scores.answers import Answer, Head, Seen
from spurbench.scores.predictions import Provenance, encode, rows_table
from spurbench.scores.stored import install, predictions_path, read_stored

HEAD = Head(1, "b", 0.6, 0.6, 0.4, (1, 0), (1, 0), (0.6, 0.4))


def encoded(pictures: int) -> bytes:
    """The predictions file of a made model that takes every picture for its class."""
    seen = [
        Seen(f"{i:064x}", "koala", "koala", 1, "si", i, f"made {i}", Answer(HEAD, HEAD))
        for i in range(pictures)
    ]
    provenance = Provenance(
        model=ModelRecord(
            spec="made/x",
            architecture="made",
            parameters=0,
            weights_sha256="0" * 64,
            weights_source="made",
            options={},
            label_space="micro",
            transform={"framing": "crop", "size": 8},
        ),
        data=DataRecord(name="made", domain="micro", version="c1", fingerprint="1" * 64),
        environment={},
        keep_logits=False,
        skip_unreadable=False,
        probe=[0.5],
    )
    return encode(rows_table(seen), provenance)


def test_what_is_installed_is_read_back(tmp_path: Path) -> None:
    put = install(encoded(3), tmp_path)
    assert put.path is not None and put.path.parent == tmp_path / "micro" / "c1"
    kept = read_stored(put.path)
    assert (kept.result, kept.path, kept.stored) == (put.result, put.path, True)
    assert kept.predictions.table == put.predictions.table
    assert kept.predictions_path == predictions_path(put.path, put.result)


def test_another_result_of_the_name_takes_the_place_of_both_files(tmp_path: Path) -> None:
    first, second = install(encoded(3), tmp_path), install(encoded(4), tmp_path)
    assert first.path == second.path
    assert list(tmp_path.rglob("*.parquet")) == [second.predictions_path]
    assert second.path is not None and read_stored(second.path).result == second.result


def test_predictions_of_another_result_are_not_its_own(tmp_path: Path) -> None:
    put = install(encoded(3), tmp_path)
    assert put.path is not None and put.predictions_path is not None
    put.predictions_path.write_bytes(encoded(4))
    with pytest.raises(UserError, match=r"\.parquet: differs from what .*\.json records"):
        read_stored(put.path)
    put.predictions_path.unlink()
    with pytest.raises(UserError, match="no such predictions file"):
        read_stored(put.path)
