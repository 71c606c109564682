"""A predictions file with a hole in it is none: a mean over what is left would look like a result."""

from __future__ import annotations

import io
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurbench.errors import UserError
from spurbench.scores.predictions import METADATA, decode, read_predictions, schema
from tests.core.scores.made import Made, made, record


@pytest.fixture(scope="module")
def model() -> Made:
    return made(5)


def altered(model: Made, column: str, value: Any) -> bytes:
    """The file with another value in a column of its last row."""
    rows = model.predictions.table.to_pylist()
    old = rows[-1][column]
    rows[-1][column] = [*old[:-1], value] if isinstance(old, list) and value != "gap" else value
    if value == "gap":
        rows[-1][column] = None
    table = pa.Table.from_pylist(rows, schema=schema())
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({METADATA: record().model_dump_json().encode()}), buffer
    )
    return buffer.getvalue()


NUMBERS = [
    "probability",
    "class_probability",
    "class_log_odds",
    "top_probabilities",
    "restricted_class_log_odds",
    "restricted_top_probabilities",
]


@pytest.mark.parametrize("column", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none(model: Made, column: str, value: float) -> None:
    with pytest.raises(UserError) as error:
        decode(altered(model, column, value), "x")
    assert str(error.value) == (
        f"x: not a predictions file of `spurbench eval` (the column {column} has infinite numbers); "
        "score the model again"
    )


@pytest.mark.parametrize("column", ["sha256", "label", "restricted_predicted", "top_labels"])
def test_gaps(model: Made, column: str) -> None:
    with pytest.raises(UserError, match=rf"\(the column {column} has gaps\)"):
        decode(altered(model, column, "gap"), "x")


@pytest.mark.parametrize("column", ["top_outputs", "restricted_top_labels"])
def test_gaps_within_lists(model: Made, column: str) -> None:
    with pytest.raises(UserError, match=rf"\(the column {column} has gaps\)"):
        decode(altered(model, column, None), "x")


def test_logits_are_kept_on_request_only(model: Made) -> None:
    assert model.predictions.table["logits"].null_count == model.predictions.table.num_rows
    again = decode(altered(model, "origin", "elsewhere"), "x")
    assert again.table["origin"].to_pylist()[-1] == "elsewhere"


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no parquet"])
def test_what_is_no_predictions_file(data: bytes) -> None:
    with pytest.raises(UserError, match=r"^x: not a predictions file of `spurbench eval` \(.+\); "):
        decode(data, "x")


def test_a_parquet_file_of_another_kind(model: Made, tmp_path: Any) -> None:
    """Right columns, but nothing that says where they come from."""
    path = tmp_path / "p.parquet"
    for metadata in (None, {b"other": b"{}"}, {METADATA: b"{"}, {METADATA: b"{}"}):
        pq.write_table(model.predictions.table.replace_schema_metadata(metadata), path)
        with pytest.raises(UserError) as error:
            read_predictions(path)
        assert str(error.value).startswith(f"{path}: not a predictions file of `spurbench eval` (")
        assert "\n" not in str(error.value)
    with pytest.raises(UserError) as error:
        read_predictions(tmp_path)
    assert str(error.value) == f"{tmp_path}: no such predictions file"
