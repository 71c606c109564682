"""What a predictions file keeps on the disk: as little as it takes, and everything that was said."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from spurbench.contracts import LabelSpace
from spurbench.errors import UserError
from spurbench.scores.answers import Answer, Seen, answers
from spurbench.scores.predictions import METADATA, decode, encode, rows_table
from spurbench_evaluators.labels import spaces
from tests.core.scores.made import record


def seen_of(space: LabelSpace, pictures: int, classes: int, *, keep: bool = False) -> list[Seen]:
    """Answers of a made network that leans toward each picture's class."""
    rng = np.random.default_rng(4)
    labels = [space.domain_label(c) for c in space.domain_columns()][3 : 3 + 7 * classes : 7]
    seen = []
    for label in labels:
        logits = rng.normal(0, 2, (pictures, len(space.names)))
        logits[:, space.column(label)] += rng.normal(9, 3, pictures)
        said = answers(torch.from_numpy(logits), [label] * pictures, space, keep_logits=keep)
        for i, answer in enumerate(said):
            name = f"class {label}"
            sha256 = hashlib.sha256(f"{label} {i}".encode()).hexdigest()
            seen.append(Seen(sha256, f"c{label}", name, label, "si", i, f"o{i}", answer))
    return seen


PERMUTED = LabelSpace("made", "micro", tuple("abcdefg"), (3, -1, 1, -1, 4, 0, 2))
KINDS = LabelSpace("made", "micro", tuple("abcdefg"), PERMUTED.labels, (-1, 4, -1, -1, -1, -1, -1))
PLAIN = LabelSpace("made", "micro", tuple("abcdefg"))


def check_row(row: dict[str, Any], item: Seen) -> None:
    """A row says of a picture what was answered."""
    answer: Answer = item.answer
    assert (row["sha256"], row["slug"], row["class_name"]) == (
        item.sha256,
        item.slug,
        item.class_name,
    )
    assert (row["label"], row["split"], row["index"]) == (item.label, item.split, item.index)
    for prefix, head in (("", answer.full), ("restricted_", answer.restricted)):
        assert row[f"{prefix}predicted"] == head.predicted
        assert row[f"{prefix}predicted_name"] == head.predicted_name
        assert row[f"{prefix}top_labels"] == list(head.top_labels)
        assert row[f"{prefix}class_log_odds"] == pytest.approx(head.class_log_odds, rel=1e-6)
    assert row["top_outputs"] == list(answer.full.top_outputs)
    assert row["top_probabilities"] == pytest.approx(answer.full.top_probabilities, abs=5e-4)
    merged = answer.merged
    assert row["merged_predicted"] == (merged.predicted if merged else None)
    odds = row["merged_class_log_odds"]
    assert odds == (pytest.approx(merged.class_log_odds, rel=1e-6) if merged else None)


@pytest.mark.parametrize("space", [PLAIN, PERMUTED, KINDS], ids=["plain", "permuted", "kinds"])
@pytest.mark.parametrize("keep", [False, True])
def test_everything_that_was_said_comes_back(space: LabelSpace, keep: bool) -> None:
    seen = seen_of(space, 5, 1, keep=keep)
    data = encode(rows_table(seen), record())
    rows = decode(data, "made").table.to_pylist()
    assert len(rows) == 5
    for row, item in zip(rows, seen, strict=True):
        check_row(row, item)
        kept = item.answer.logits
        assert row["logits"] == (pytest.approx(kept, rel=1e-6) if kept else None)
    assert encode(decode(data, "made").table, record()) == data, "and goes back to the same bytes"


@pytest.mark.parametrize(
    ("name", "pictures", "classes"), [("imagenet-1k", 75, 60), ("imagenet-21k-goog", 75, 25)]
)
def test_a_picture_takes_90_bytes_at_most(name: str, pictures: int, classes: int) -> None:
    space = spaces.named(name)
    seen = seen_of(space, pictures, classes)
    size = len(encode(rows_table(seen), record())) / len(seen)
    assert 40 < size < 90
    assert len(seen) == pictures * classes


def test_what_is_the_same_is_kept_once() -> None:
    plain, permuted = (
        set(parquet.read_schema(io.BytesIO(encode(rows_table(seen_of(s, 4, 1)), record()))).names)
        for s in (PLAIN, PERMUTED)
    )
    assert not any(name.startswith(("restricted_", "merged_")) for name in plain)
    assert "top_labels" not in plain and "logits" not in plain
    assert {"restricted_top_labels", "restricted_class_log_odds", "top_labels"} <= permuted


def first_format(data: bytes) -> bytes:
    """A file of format 1, as it was written: every column, hashes as text, no framing."""
    new = decode(data, "made")
    rows = [
        {
            **row,
            "origin": "o",
            "probability": row["top_probabilities"][0],
            "class_probability": 0.5,
            "restricted_top_outputs": row["top_outputs"],
            "restricted_top_probabilities": row["top_probabilities"],
        }
        for row in new.table.drop_columns(["merged_predicted", "merged_class_log_odds"]).to_pylist()
    ]
    said = new.provenance.model_dump() | {"format": 1}
    del said["model"]["framing"]
    table = pa.Table.from_pylist(rows).replace_schema_metadata(
        {METADATA: json.dumps(said).encode()}
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def test_files_of_the_first_format_are_read() -> None:
    seen = seen_of(PERMUTED, 6, 1)
    old = decode(first_format(encode(rows_table(seen), record())), "old")
    assert old.provenance.format == 2 and old.provenance.model.framing is None
    for row, item in zip(old.table.to_pylist(), seen, strict=True):
        check_row(row, item)


def test_files_of_a_newer_format_say_so() -> None:
    data = encode(rows_table(seen_of(PLAIN, 2, 1)), record())
    table = parquet.read_table(io.BytesIO(data))
    said = json.loads(table.schema.metadata[METADATA]) | {"format": 7}
    buffer = io.BytesIO()
    parquet.write_table(
        table.replace_schema_metadata({METADATA: json.dumps(said).encode()}), buffer
    )
    with pytest.raises(UserError, match=r"newer spurbench.*format 7.*up to 2; upgrade"):
        decode(buffer.getvalue(), "new.parquet")
