"""A scored model on disk: what is read back is what was computed, or an error says what differs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench.results import DataRecord, ModelRecord
from spurbench.scores import stored
from spurbench.scores.answers import Answer, Head, Seen
from spurbench.scores.predictions import Provenance, encode, rows_table
from spurbench.scores.stored import Outcome, install, predictions_path, read_stored

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


def test_the_names_of_both_files(tmp_path: Path) -> None:
    data = encoded(3)
    put = install(data, tmp_path)
    digits = hashlib.sha256(data).hexdigest()[:8]
    assert put.path is not None and put.predictions_path is not None
    assert put.path.suffix == ".json" and not put.stored
    assert put.path == put.result.path_under(tmp_path)
    assert put.predictions_path.name == f"{put.path.stem}.{digits}.parquet"
    assert put.predictions_path.read_bytes() == data
    assert sorted(p.name for p in put.path.parent.iterdir()) == sorted(
        [put.path.name, put.predictions_path.name]
    )
    assert Outcome(put.result, put.predictions, None, stored=False).predictions_path is None


def test_other_models_predictions_stay(tmp_path: Path) -> None:
    """Also those of a model whose name begins alike."""
    put = install(encoded(3), tmp_path)
    assert put.path is not None
    other = put.path.with_name(f"{put.path.stem}x.01234567.parquet")
    other.touch()
    install(encoded(4), tmp_path)
    assert other.is_file() and len(list(tmp_path.rglob("*.parquet"))) == 2


def test_an_install_that_ends_early_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Predictions come first: a result never stands without its own."""
    before = install(encoded(3), tmp_path)
    assert before.path is not None

    there: list[int] = []

    def ended(result: object, path: Path) -> None:
        there.append(len(list(tmp_path.rglob("*.parquet"))))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stored, "write_result", ended)
        with pytest.raises(KeyboardInterrupt):
            install(encoded(4), tmp_path)
    assert read_stored(before.path).result == before.result
    assert there == [2], "the new ones are there already, for a kill"
    assert list(tmp_path.rglob("*.parquet")) == [before.predictions_path], "and go where they can"
    after = install(encoded(4), tmp_path)
    assert list(tmp_path.rglob("*.parquet")) == [after.predictions_path]


def test_what_is_no_predictions_file_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="^predictions: not a predictions file of"):
        install(b"nothing", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_error_says_which_files_differ(tmp_path: Path) -> None:
    put = install(encoded(3), tmp_path)
    assert put.path is not None and put.predictions_path is not None
    put.predictions_path.write_bytes(encoded(4))
    with pytest.raises(UserError) as error:
        read_stored(put.path)
    assert str(error.value) == (
        f"{put.predictions_path}: differs from what {put.path.name} records; score the model again"
    )
