"""The predictions file: one row a picture, and what they come from in the schema's metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_json
from spurbench.results import DataRecord, ModelRecord

from .answers import Head, Seen

if TYPE_CHECKING:
    import pyarrow as pa

METADATA = b"spurbench"


class Provenance(BaseModel):
    """What a predictions file says of itself; ``probe`` are the network's first outputs for a
    fixed picture of noise, None where they are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    model: ModelRecord
    data: DataRecord
    environment: dict[str, str]
    keep_logits: bool
    skip_unreadable: bool
    probe: list[float | None]

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
    """The columns. Numbers are kept in float32: what another order of summing moves is below that."""
    import pyarrow as pa

    text, whole, number = pa.string(), pa.int32(), pa.float32()
    head = [
        ("predicted", whole),
        ("predicted_name", text),
        ("probability", number),
        ("class_probability", number),
        ("class_log_odds", number),
        ("top_outputs", pa.list_(whole)),
        ("top_labels", pa.list_(whole)),
        ("top_probabilities", pa.list_(number)),
    ]
    picture = [
        ("sha256", text),
        ("slug", text),
        ("class_name", text),
        ("label", whole),
        ("split", text),
        ("index", whole),
        ("origin", text),
    ]
    restricted = [(f"restricted_{name}", kind) for name, kind in head]
    return pa.schema([*picture, *head, *restricted, ("logits", pa.list_(number))])


def rows_table(seen: Iterable[Seen]) -> pa.Table:
    """Rows as a table."""
    import pyarrow as pa

    return pa.Table.from_pylist([_row(item) for item in seen], schema=schema())


def _row(item: Seen) -> dict[str, Any]:
    row = {k: v for k, v in vars(item).items() if k != "answer"}
    row |= _head(item.answer.full, "") | _head(item.answer.restricted, "restricted_")
    row["logits"] = item.answer.logits
    return row


def _head(head: Head, prefix: str) -> dict[str, Any]:
    return {f"{prefix}{name}": value for name, value in vars(head).items()}


def encode(table: pa.Table, provenance: Provenance) -> bytes:
    """The predictions file's bytes; the same rows in any order give the same bytes."""
    from pyarrow import parquet

    table = table.sort_by([("slug", "ascending"), ("split", "ascending"), ("index", "ascending")])
    text = json.dumps(provenance.model_dump(), sort_keys=True, ensure_ascii=False)
    buffer = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({METADATA: text.encode()}), buffer)
    return buffer.getvalue()


def decode(data: bytes, where: str) -> Predictions:
    """Read a predictions file's bytes; UserError where they are none."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(io.BytesIO(data))
        text = (table.schema.metadata or {})[METADATA]
        provenance = Provenance.model_validate(json.loads(text))
        table = table.select(schema().names).cast(schema())
        _check_filled(table)
    except (pa.ArrowException, KeyError, ValidationError, ValueError, OSError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(
            f"{where}: not a predictions file of `spurbench eval` ({reason}); score the model again"
        ) from error
    if not table.num_rows:
        raise UserError(f"{where}: holds no predictions")
    return Predictions(provenance, table, sha256_bytes(data))


def _check_filled(table: pa.Table) -> None:
    """ValueError for a column with a gap, or with a number that is none."""
    import pyarrow as pa
    from pyarrow import compute

    for name in table.column_names:
        column = table[name]
        if name == "logits":  # kept on request only
            continue
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


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file."""
    if not path.is_file():
        raise UserError(f"{path}: no such predictions file")
    return decode(path.read_bytes(), str(path))
