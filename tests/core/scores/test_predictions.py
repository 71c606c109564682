"""The predictions file: what is in it, in which order, and what its key depends on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import BaseModel

from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.results import Selection, Unreadable, ValidationRecord
from spurbench.scores.answers import Seen, answers
from spurbench.scores.predictions import (
    Provenance,
    decode,
    encode,
    rows_table,
    schema,
)
from tests.core.scores.made import COUNTS, SPACE, Made, made, record


@pytest.fixture(scope="module")
def model() -> Made:
    return made(5)


def test_rows_are_ordered_whatever_their_order_was(model: Made) -> None:
    table = model.predictions.table
    keys = [(r["slug"], r["split"], r["index"]) for r in table.to_pylist()]
    assert keys == [(*key, i) for key, count in COUNTS.items() for i in range(count)]
    backwards = table.take(list(range(table.num_rows))[::-1])
    assert encode(backwards, record()) == encode(table, record())


def test_the_hash_is_of_the_files_bytes(model: Made) -> None:
    data = encode(model.predictions.table, record())
    assert decode(data, "x").sha256 == sha256_bytes(data) == model.predictions.sha256


def test_what_is_written_is_read_back(model: Made) -> None:
    said = model.predictions.provenance
    assert said == record()
    row = model.predictions.table.to_pylist()[0]
    assert (row["slug"], row["class_name"], row["label"], row["split"]) == (
        "ant", "the ant", 2, "generated",
    )  # fmt: skip
    assert set(row) == set(schema().names)
    full, part = row["top_outputs"], row["restricted_top_labels"]
    assert len(full) == len(part) == 5 and set(part) == {0, 1, 2, 3, 4}
    label = {7: 0, 2: 1, 8: 2, 0: 3, 4: 4}
    assert row["top_labels"] == [label.get(o, -1) for o in full]
    among = [label[o] for o in full if o in label]
    assert [x for x in part if x in among] == among, "in the same order as in the full head"
    assert row["restricted_predicted"] == part[0]
    assert row["predicted"] == row["top_labels"][0]
    assert row["predicted_name"] == "abcdefghi"[full[0]]
    assert row["top_probabilities"] == sorted(row["top_probabilities"], reverse=True)


def changed(record: BaseModel) -> Iterator[tuple[str, Any]]:
    """Another value for each field of a record, by its path."""
    others: dict[str, Any] = {
        "selection": Selection(limit=3),
        "validation": ValidationRecord(name="v", layout="hf", fingerprint="3" * 64),
        "normalisation": {"mean": [0.5], "std": [0.5]},
        "options": {"a": 1},
        "transform": {"framing": "squash", "size": 8},
        "val_transform": None,
        "environment": {"dtype": "float64"},
        "probe": [0.25],
        "parameters": 13,
        "outputs": 10,
        "keep_logits": True,
        "skip_unreadable": True,
        "unreadable": [
            Unreadable(slug="a", split="si", index=0, origin="o", sha256="4" * 64, reason="cut")
        ],
    }
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, BaseModel):
            for path, part in changed(value):
                yield f"{name}.{path}", record.model_copy(update={name: part})
        elif name != "format":
            other = others.get(name, f"{value}x")
            assert other != value, name
            yield name, record.model_copy(update={name: other})


def test_the_key_covers_all_that_decides_the_predictions() -> None:
    """Each field of the provenance, new ones too; what is measured in the run decides nothing."""
    before, seen = record().key(), set()
    for path, other in changed(record()):
        assert (other.key() == before) == (path in {"probe", "data.unreadable"}), path
        seen.add(path)
    assert {"model.weights_sha256", "data.fingerprint", "environment", "keep_logits"} <= seen


def test_a_file_without_rows_is_refused(model: Made) -> None:
    data = encode(model.predictions.table.slice(0, 0), record())
    with pytest.raises(UserError) as error:
        decode(data, "here.parquet")
    assert str(error.value) == "here.parquet: holds no predictions"


@pytest.mark.parametrize("column", ["sha256", "label", "top_outputs", "restricted_class_log_odds"])
def test_a_missing_column_is_named(model: Made, column: str) -> None:
    stored = pq.read_table(io.BytesIO(encode(model.predictions.table, record())))
    buffer = io.BytesIO()
    pq.write_table(stored.drop_columns([column]), buffer)
    with pytest.raises(UserError, match=f"not a predictions file .*{column}"):
        decode(buffer.getvalue(), "x")


def test_another_format_is_refused(model: Made) -> None:
    for other, said in ((3, "made by a newer spurbench"), (0, "format"), ("2x", "format")):
        with pytest.raises(ValueError, match=said):
            Provenance.model_validate(record().model_dump() | {"format": other})
    assert Provenance.model_validate(record().model_dump() | {"format": 1}) == record()


def test_the_columns_types() -> None:
    """float32 holds what counts; files of other versions of the package are read by these."""
    both = {
        "predicted": pa.int32(),
        "predicted_name": pa.string(),
        "class_log_odds": pa.float32(),
        "top_labels": pa.list_(pa.int32()),
    }
    head = both | {
        "top_outputs": pa.list_(pa.int32()),
        "top_probabilities": pa.list_(pa.float32()),
    }
    picture = dict.fromkeys(("sha256", "slug", "class_name", "split"), pa.string())
    picture |= {"label": pa.int32(), "index": pa.int32()}
    restricted = {f"restricted_{name}": kind for name, kind in both.items()}
    merged = {"merged_predicted": pa.int32(), "merged_class_log_odds": pa.float32()}
    expected = picture | head | restricted | merged | {"logits": pa.list_(pa.float32())}
    assert {field.name: field.type for field in schema()} == expected


def test_columns_in_another_order_and_wider_are_read(model: Made) -> None:
    stored = pq.read_table(io.BytesIO(encode(model.predictions.table, record())))
    wide = stored.select(stored.column_names[::-1])
    at = wide.column_names.index("class_log_odds")
    wide = wide.set_column(at, "class_log_odds", wide["class_log_odds"].cast(pa.float64()))
    wide = wide.append_column("more", pa.array([1] * len(wide)))
    buffer = io.BytesIO()
    pq.write_table(wide, buffer)
    assert decode(buffer.getvalue(), "x").table.equals(model.predictions.table)


def test_what_the_file_says_of_itself_is_sorted_text(model: Made) -> None:
    """Equal provenances give equal bytes, and people can read them."""
    data = encode(model.predictions.table, record(spec="hf/K\u00e4fer"))
    text = pq.read_schema(io.BytesIO(data)).metadata[b"spurbench"].decode()
    said = json.loads(text)
    assert text == json.dumps(said, sort_keys=True, ensure_ascii=False) and "K\u00e4fer" in text
    assert said == record(spec="hf/K\u00e4fer").model_dump()


def test_kept_logits_are_those_of_the_domains_labels(model: Made) -> None:
    values = torch.arange(18, dtype=torch.float64).reshape(2, 9)
    said = answers(values, [2, 0], SPACE, keep_logits=True)
    seen = [Seen("0" * 64, "a", "a", 2, "si", i, "o", a) for i, a in enumerate(said)]
    rows = decode(encode(rows_table(seen), record()), "x").table["logits"].to_pylist()
    assert rows == [[0, 2, 4, 7, 8], [9, 11, 13, 16, 17]]


def test_a_picture_that_stands_there_twice_is_refused(model: Made) -> None:
    table = model.predictions.table
    doubled = pa.concat_tables([table, table.slice(3, 1)])
    with pytest.raises(UserError, match=r"x: not a predictions file .*stands in it twice"):
        decode(encode(doubled, record()), "x")


def test_pictures_of_one_class_and_split_have_one_label(model: Made) -> None:
    rows = model.predictions.table.to_pylist()
    rows[1]["label"] = rows[1]["label"] + 1
    other = pa.Table.from_pylist(rows, schema=schema())
    with pytest.raises(UserError, match=r"x: not a predictions file .*differ in their label"):
        decode(encode(other, record()), "x")
