"""What a split holds, read from the cheap columns of its files, and the hash that stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench.errors import UserError
from spurbench.files import sha256_json
from spurbench.reading import why

if TYPE_CHECKING:
    from pyarrow import DataType
    from pyarrow.parquet import ParquetFile

COLUMNS = ("label", "class_name", "source", "index", "sha256")


@dataclass(frozen=True)
class SplitRows:
    """All rows of a split in order, without their pictures. ``labels``, ``names`` and ``kinds`` are
    those that occur; ``pictures`` has index and sha256 of each row, ``counts`` the rows a file."""

    labels: frozenset[int]
    names: frozenset[str]
    kinds: frozenset[str]
    pictures: tuple[tuple[int, str], ...]
    counts: tuple[int, ...]


def read_rows(files: Sequence[Path]) -> SplitRows:
    """Rows of a split's files, which follow one another; UserError where one is no such file."""
    import pyarrow as pa

    columns: dict[str, list[object]] = {name: [] for name in COLUMNS}
    counts = []
    for file in files:
        try:
            table = opened(file).read(columns=list(COLUMNS))
            found = {name: table[name].to_pylist() for name in COLUMNS}
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            raise unreadable(file, error) from error
        empty = [name for name, values in found.items() if None in values]
        if empty:
            raise UserError(f"{file}: the column {empty[0]} has gaps; rebuild the data set")
        for name, values in found.items():
            columns[name] += values
        counts.append(table.num_rows)
    return SplitRows(
        frozenset(columns["label"]),  # type: ignore[arg-type]
        frozenset(columns["class_name"]),  # type: ignore[arg-type]
        frozenset(columns["source"]),  # type: ignore[arg-type]
        tuple(zip(columns["index"], columns["sha256"], strict=True)),  # type: ignore[arg-type]
        tuple(counts),
    )


def opened(file: Path) -> ParquetFile:
    """A split's file with the columns that every one has; UserError where it lacks any of them, or
    has one twice."""
    from pyarrow import parquet, types

    found = parquet.ParquetFile(file.absolute())  # ~ would be expanded
    columns = {field.name: field.type for field in found.schema_arrow}
    whole = {"label": types.is_integer, "index": types.is_integer, "image": _holds_bytes}
    for name in (*COLUMNS, "image", "origin"):
        if name not in columns:
            raise UserError(f"{file}: the column {name} is missing; rebuild the data set")
        if found.schema_arrow.names.count(name) > 1:
            raise UserError(f"{file}: the column {name} stands twice; rebuild the data set")
        if not whole.get(name, _is_text)(columns[name]):
            raise UserError(f"{file}: the column {name} is of another type; rebuild the data set")
    return found


def _is_text(kind: DataType) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _holds_bytes(kind: DataType) -> bool:
    from pyarrow import types

    if not types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    inner = kind.field("bytes").type
    return bool(types.is_binary(inner) or types.is_large_binary(inner))


def content_of(
    label: int, slug: str, split: str, kind: str, pictures: Sequence[tuple[int, str]]
) -> str:
    """SHA-256 over what a split holds: label, slug, the split's name and kind, and of each picture
    in order its index and SHA-256. The files that the pictures lie in play no part."""
    rows = [[index, sha256] for index, sha256 in pictures]
    value = {"label": label, "slug": slug, "split": split, "kind": kind, "pictures": rows}
    return sha256_json(value)


def fingerprint_of(contents: dict[str, dict[str, str]]) -> str:
    """SHA-256 over the contents of a data set's splits, by slug and split."""
    return sha256_json(contents)


def version_of(fingerprint: str) -> str:
    """A short version of a content, such as ``c1a2b3c4d5e6f``."""
    return "c" + fingerprint[:12]


def unreadable(file: Path, error: Exception) -> UserError:
    """The error for a parquet file that cannot be read as a split."""
    return UserError(f"{file}: cannot be read as a split ({why(error)}); rebuild the data set")
