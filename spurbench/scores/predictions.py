"""The predictions file: one row a picture, and what they come from in the schema's metadata.

On the disk a row takes no more than what cannot be computed again: what the readings share is kept once,
probabilities below the first in half precision (``layout``). In memory every reading has all its columns
(``schema``).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from spurbench.errors import UserError, validation_reason
from spurbench.files import sha256_bytes, sha256_json
from spurbench.reading import is_file, loads, parquet_table, read_bytes, why
from spurbench.results import DataRecord, ModelRecord

from .answers import Head, Seen
from .layout import RESTRICTED, all_null, compact, expanded

if TYPE_CHECKING:
    import pyarrow as pa

METADATA = b"spurbench"
FORMAT = 2


class Provenance(BaseModel):
    """What a predictions file says of itself; ``probe`` are the network's first outputs for a
    fixed picture of noise, None where they are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[2] = 2
    model: ModelRecord
    data: DataRecord
    environment: dict[str, str]
    keep_logits: bool
    skip_unreadable: bool
    probe: list[float | None]

    @field_validator("format", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if isinstance(value, int) and value > FORMAT:
            raise ValueError(
                f"made by a newer spurbench: predictions of format {value}, this one reads up to "
                f"{FORMAT}; upgrade"
            )
        return FORMAT if value == 1 else value  # format 1 differs in its columns only

    def key(self) -> str:
        """SHA-256 of everything that decides the predictions, before any picture is read."""
        value = self.model_dump(exclude={"probe"})
        value["data"]["unreadable"] = []
        return sha256_json(value)


@dataclass(frozen=True)
class Predictions:
    """A predictions file: its provenance, its rows ordered by class, split and index, its hash."""

    provenance: Provenance
    table: pa.Table
    sha256: str


def schema() -> pa.Schema:
    """The columns in memory. Numbers are kept in float32: what another order of summing moves is below
    that. ``merged_...`` are null where no output is a kind of a label."""
    import pyarrow as pa

    text, whole_number, number = pa.string(), pa.int32(), pa.float32()
    head = [
        ("predicted", whole_number),
        ("predicted_name", text),
        ("class_log_odds", number),
        ("top_outputs", pa.list_(whole_number)),
        ("top_labels", pa.list_(whole_number)),
        ("top_probabilities", pa.list_(number)),
    ]
    picture = [
        ("sha256", text),
        ("slug", text),
        ("class_name", text),
        ("label", whole_number),
        ("split", text),
        ("index", whole_number),
    ]
    restricted = [(f"restricted_{name}", kind) for name, kind in head if name in RESTRICTED]
    merged = [("merged_predicted", whole_number), ("merged_class_log_odds", number)]
    return pa.schema([*picture, *head, *restricted, *merged, ("logits", pa.list_(number))])


def rows_table(seen: Iterable[Seen]) -> pa.Table:
    """Rows as a table."""
    import pyarrow as pa

    return pa.Table.from_pylist([_row(item) for item in seen], schema=schema())


def _row(item: Seen) -> dict[str, Any]:
    answer = item.answer
    row = {k: v for k, v in vars(item).items() if k not in ("answer", "origin")}
    row |= _head(answer.full) | {
        f"restricted_{name}": value
        for name, value in _head(answer.restricted).items()
        if name in RESTRICTED
    }
    if answer.merged:
        row |= {f"merged_{name}": value for name, value in vars(answer.merged).items()}
    row["logits"] = answer.logits
    return row


def _head(head: Head) -> dict[str, Any]:
    # Of the probabilities the class's follows from its log odds, the first is the top one.
    left_out = ("probability", "class_probability")
    return {name: value for name, value in vars(head).items() if name not in left_out}


def encode(table: pa.Table, provenance: Provenance) -> bytes:
    """The predictions file's bytes; the same rows in any order give the same bytes."""
    from pyarrow import parquet

    table = table.sort_by([("slug", "ascending"), ("split", "ascending"), ("index", "ascending")])
    text = json.dumps(provenance.model_dump(), sort_keys=True, ensure_ascii=False)
    stored = compact(table).replace_schema_metadata({METADATA: text.encode()})
    buffer = io.BytesIO()
    # Hashes and log odds hardly repeat: a dictionary of them is a second copy.
    repeating = [n for n in stored.column_names if n != "sha256" and not n.endswith("log_odds")]
    parquet.write_table(
        stored, buffer, compression="zstd", compression_level=15, use_dictionary=repeating
    )
    return buffer.getvalue()


def decode(data: bytes, where: str) -> Predictions:
    """Read a predictions file's bytes; UserError where they are none."""
    try:
        table = parquet_table(data)
    except ValueError as error:
        raise _none(where, error) from error
    return of_table(table, sha256_bytes(data), where)


def of_table(table: pa.Table, sha256: str, where: str) -> Predictions:
    """The predictions that a file's table holds, ``sha256`` being the file's; UserError where it holds
    none."""
    import pyarrow as pa

    try:
        if METADATA not in (table.schema.metadata or {}):
            raise ValueError("it does not say what it comes from")
        provenance = Provenance.model_validate(loads(table.schema.metadata[METADATA]))
        table = expanded(table, schema())
        _check_filled(table)
        _check_once(table)
    except (pa.ArrowException, KeyError, ValueError, TypeError, RecursionError) as error:
        raise _none(where, error) from error
    if not table.num_rows:
        raise UserError(f"{where}: holds no predictions")
    return Predictions(provenance, table, sha256)


def _none(where: str, error: Exception) -> UserError:
    reason = validation_reason(error) if isinstance(error, ValidationError) else why(error)
    return UserError(
        f"{where}: not a predictions file of `spurbench eval` ({reason}); score the model again"
    )


def _check_filled(table: pa.Table) -> None:
    """ValueError for a column with a gap, or with a number that is none."""
    import pyarrow as pa
    from pyarrow import compute

    for name in table.column_names:
        column = table[name]
        if name == "logits" or (name.startswith("merged_") and all_null(column)):
            continue  # kept on request only; where no output is a kind of a label
        if pa.types.is_list(column.type):
            column = pa.chunked_array([compute.list_flatten(column)], column.type.value_type)
            gaps = table[name].null_count + column.null_count
        else:
            gaps = column.null_count
        finite = (
            not pa.types.is_floating(column.type)
            or compute.all(compute.is_finite(column), min_count=0).as_py()
        )
        if gaps or not finite:
            raise ValueError(f"the column {name} has {'gaps' if gaps else 'infinite numbers'}")


def _check_once(table: pa.Table) -> None:
    """ValueError where a picture has two rows, or rows of a class and split differ in its label."""
    pictures = table.group_by(["slug", "split", "index"]).aggregate([])
    labels = table.group_by(["slug", "split", "label"]).aggregate([])
    if pictures.num_rows != table.num_rows:
        raise ValueError("a picture stands in it twice")
    if labels.num_rows != table.group_by(["slug", "split"]).aggregate([]).num_rows:
        raise ValueError("pictures of one class and split differ in their label")


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file."""
    if not is_file(path):
        raise UserError(f"{path}: no such predictions file")
    return decode(read_bytes(path), str(path))
