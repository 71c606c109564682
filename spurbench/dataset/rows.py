"""All that a split's file says of its pictures, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from spurbench.errors import UserError, validation_reason
from spurbench.files import sha256_bytes

from .content import opened, unreadable
from .schema import Credit, Row

CREDIT = tuple(field.name for field in fields(Credit))
COLUMNS = tuple(field.name for field in fields(Row) if field.name not in {"data", "credit"})
BATCH = 64
"""Rows in memory at a time."""


def stored_rows(file: Path, *, data: bool = True) -> Iterator[Row]:
    """Rows of a split's file in order, a few in memory at a time; columns that a file of an older
    version lacks are None. Each picture's bytes are compared with their SHA-256; without ``data``
    they are not read, and empty. UserError where the file is none, or not as the format has it."""
    for columns in _columns(file, data):
        picture = (columns.pop("image", None) or {}).get("bytes")
        if data:
            check_picture(file, columns["index"], picture, columns["sha256"])
        columns["predictions"] = columns.get("predictions") or ()
        credit = {name: columns.pop(name, None) for name in CREDIT}
        try:
            yield _row().validate_python({"data": picture or b"", "credit": credit, **columns})
        except ValidationError as error:
            raise UserError(
                f"{file}: picture {columns['index']}: {validation_reason(error)}; rebuild the data set"
            ) from error


def check_picture(file: Path, index: int, data: bytes | None, sha256: str) -> bytes:
    """A picture's bytes; UserError unless they are there and are those of their hash."""
    if data is None or sha256_bytes(data) != sha256:
        raise UserError(
            f"{file}: the bytes of picture {index} are not those of its sha256; rebuild the data set"
        )
    return data


def _columns(file: Path, data: bool) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    wanted = [*(("image",) if data else ()), *COLUMNS, *CREDIT]
    try:
        found = opened(file)
        there = [name for name in wanted if name in found.schema_arrow.names]
        for batch in found.iter_batches(batch_size=BATCH, columns=there):
            yield from batch.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise unreadable(file, error) from error


@cache
def _row() -> TypeAdapter[Row]:
    return TypeAdapter(Row)
