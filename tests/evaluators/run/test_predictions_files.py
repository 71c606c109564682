"""The files of a run: each alone gives the result, and what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.results import Selection, read_result
from spurbench.scores.comparison import compare
from spurbench.scores.predictions import METADATA, read_predictions
from spurbench.scores.stored import install
from spurbench.scores.summary import result_of
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run.session import evaluate_all
from tests.evaluators.fakes import Fake, small_network
from tests.evaluators.run.sessions import score, settings


def test_the_predictions_file_alone_gives_the_result(folder: Path, tmp_path: Path) -> None:
    (outcome,) = evaluate_all([small_network()], open_source(folder), tmp_path / "r", settings())
    moved = tmp_path / "elsewhere.parquet"
    assert outcome.path is not None and outcome.predictions_path is not None
    moved.write_bytes(outcome.predictions_path.read_bytes())
    assert result_of(read_predictions(moved)) == outcome.result == read_result(outcome.path)
    rows = read_predictions(moved).table.to_pylist()
    stored = {p.sha256 for p in open_data_set(folder).pictures()}
    assert {row["sha256"] for row in rows} == stored
    assert all(len(row["top_outputs"]) == 5 and row["logits"] is None for row in rows)
    assert {row["sha256"].hex() for row in pq.read_table(moved).to_pylist()} == stored


def test_logits_are_kept_on_request(folder: Path, tmp_path: Path) -> None:
    (outcome,) = score(folder, tmp_path / "r", keep_logits=True)
    (row, *_) = outcome.predictions.table.to_pylist()
    assert len(row["logits"]) == 12 and row["logits"][5] == pytest.approx(1.5, abs=0.2)


def test_a_predictions_file_cannot_write_elsewhere(folder: Path, tmp_path: Path) -> None:
    (outcome,) = score(folder, tmp_path / "r")
    table = pq.read_table(outcome.predictions_path)
    said = table.schema.metadata[METADATA].replace(b'"domain": "micro"', b'"domain": "../../esc"')
    hostile = tmp_path / "hostile.parquet"
    pq.write_table(table.replace_schema_metadata({METADATA: said}), hostile)
    with pytest.raises(UserError, match="not a predictions file"):
        install(hostile.read_bytes(), tmp_path / "deep" / "er" / "results")
    with pytest.raises(UserError, match=r"hostile\.parquet: not a predictions file"):
        read_predictions(hostile)
    assert not list(tmp_path.rglob("*esc*"))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("class_log_odds", float("inf"), "class_log_odds has infinite numbers"),
        ("class_log_odds", None, "class_log_odds has gaps"),
        ("predicted_name", None, "predicted_name has gaps"),
        ("top_probabilities", [float("nan")], "top_probabilities has infinite numbers"),
        ("top_outputs", None, "has gaps"),
        ("top_outputs", [None], "has gaps"),
        ("sha256", None, ""),
        ("slug", None, "slug has gaps"),
    ],
)
def test_a_tampered_predictions_file_is_one_line(
    folder: Path, tmp_path: Path, column: str, value: object, said: str
) -> None:
    (outcome,) = score(folder, tmp_path / "r")
    table = pq.read_table(outcome.predictions_path)
    at, kind = table.column_names.index(column), table.schema.field(column)
    values = [value, *table[column].to_pylist()[1:]]
    changed = table.set_column(at, kind, pa.array(values, kind.type))
    pq.write_table(changed, tmp_path / "t.parquet")
    with pytest.raises(UserError, match=rf"t\.parquet: not a predictions file .*{said}"):
        read_predictions(tmp_path / "t.parquet")


def test_models_are_compared_on_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    five, three = score(folder, tmp_path / "r", Fake(5), Fake(3))
    found = compare([five.predictions, three.predictions])
    si = next(c for c in found.consistency if c.split == "si")
    assert si.pictures == 14 and si.fooled_by_all.value == 0
    assert si.fleiss_kappa == pytest.approx(-1), "two raters who always differ"
    difference = next(d for d in found.differences if d.split == "si")
    assert (difference.first, difference.second) == ("fake/5", "fake/3")
    assert difference.difference.value == 0, "one class each"
    assert difference.p_value is None and difference.p_corrected is None, "of two classes"
    part = open_source(folder, Selection(limit=2))
    (other,) = evaluate_all([Fake(3)], part, tmp_path / "r", settings())
    with pytest.raises(UserError, match="were not scored on the same pictures"):
        compare([five.predictions, other.predictions])
    with pytest.raises(UserError, match="two models or more"):
        compare([five.predictions])


@pytest.mark.parametrize("data", [b"", b"PAR1", b"hello"])
def test_what_is_no_predictions_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(UserError, match="no such predictions file"):
        read_predictions(path)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"p\.parquet: not a predictions file"):
        read_predictions(path)


def test_another_parquet_file_is_no_predictions_file(folder: Path) -> None:
    file = next(folder.rglob("*.parquet"))
    with pytest.raises(UserError, match="not a predictions file"):
        read_predictions(file)


def test_json_round_trip(folder: Path, tmp_path: Path) -> None:
    (outcome,) = score(folder, tmp_path / "r")
    assert outcome.path is not None
    text = json.loads(outcome.path.read_text(encoding="utf-8"))
    assert text == outcome.result.model_dump()
    assert text["schema_version"] == 3 and "macro" not in text
