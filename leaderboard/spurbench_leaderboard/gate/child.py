"""The process that decodes Parquet of strangers: what ends it, ends nothing else.

A few bytes of Parquet can stand for more memory than there is, and crash a reader that is written in
C++. So a file is looked at first by what it says of itself, then decoded here within bounds that the
system keeps, from bytes that come by stdin, and handed back as Arrow's own stream.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

MOST_ROWS = 1_000_000
MOST_DECODED = 1 << 28
MOST_MEMORY = 3 << 30
MOST_TEXT = 1000
MOST_COLUMNS = 64
LENGTH = struct.Struct("<Q")
READY, TABLE, REFUSED = b"R", b"T", b"E"


def main() -> None:
    """Answer files, each a length and its bytes, until there are no more."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may write there
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    import pyarrow.parquet  # noqa: F401  # before memory is short

    bound_memory()
    send(target, READY)
    while head := source.read(LENGTH.size):
        data = source.read(LENGTH.unpack(head)[0])
        try:
            answer = TABLE + tried(data)
        except ValueError as error:
            answer = REFUSED + str(error).encode("utf-8", "replace")
        send(target, answer)


def tried(data: bytes) -> bytes:
    """The table of Parquet bytes as Arrow's stream; ValueError, whatever they make Arrow raise."""
    try:
        return stream(decoded(data))
    except Exception as error:
        said = str(error).strip().split("\n")[0][:200]
        raise ValueError(said or type(error).__name__) from error


def send(target: BinaryIO, answer: bytes) -> None:
    """Write a length and as many bytes."""
    target.write(LENGTH.pack(len(answer)) + answer)
    target.flush()


def bound_memory() -> None:
    """Have the system refuse memory beyond a bound, and keep no image of a crash."""
    with contextlib.suppress(ImportError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        bound = MOST_MEMORY if most == resource.RLIM_INFINITY else min(MOST_MEMORY, most)
        with contextlib.suppress(ValueError, OSError):  # a system that keeps no such bound
            resource.setrlimit(resource.RLIMIT_AS, (bound, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def decoded(data: bytes) -> pa.Table:
    """The table of Parquet bytes; an exception for what no predictions file has."""
    import pyarrow as pa
    from pyarrow import parquet

    limits = {"thrift_string_size_limit": 1 << 24, "thrift_container_size_limit": 100_000}
    plain = parquet.ParquetFile(pa.BufferReader(data), pre_buffer=False, **limits)
    check_sizes(plain)
    kinds = {field.name: field.type for field in plain.schema_arrow}
    check_columns(kinds)
    texts = [name for name, kind in kinds.items() if kind == pa.string()]
    # Texts stay as places in a list of them until their lengths are known: a long one that stands in
    # every row takes a few bytes of the file.
    file = parquet.ParquetFile(
        pa.BufferReader(data), pre_buffer=False, read_dictionary=texts, **limits
    )
    batches, size = [], 0
    for batch in file.iter_batches(batch_size=1024, use_threads=False):
        size += batch.nbytes
        if size > MOST_DECODED:
            raise ValueError(f"more than {MOST_DECODED} bytes when it is decoded")
        batches.append(batch)
    table = pa.Table.from_batches(batches, file.schema_arrow)
    table.validate(full=True)
    return as_texts(table, texts)


def check_sizes(file: ParquetFile) -> None:
    """ValueError for more rows, columns or bytes than predictions have, by the file's own word."""
    said = file.metadata
    if said.num_rows > MOST_ROWS:
        raise ValueError(f"{said.num_rows} rows are more than it can have ({MOST_ROWS})")
    if said.num_columns > MOST_COLUMNS:
        raise ValueError(f"{said.num_columns} columns are more than it can have ({MOST_COLUMNS})")
    if said.num_row_groups > MOST_ROWS:
        raise ValueError(f"{said.num_row_groups} groups of rows are more than it can have")
    groups = (said.row_group(i) for i in range(said.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    if not 0 <= size <= MOST_DECODED:
        raise ValueError(f"{size} bytes when it is decoded are more than it can have")


def check_columns(kinds: dict[str, Any]) -> None:
    """ValueError for a column that predictions do not have, or of another type."""
    import pyarrow as pa

    from spurbench.scores.predictions import schema

    known = {field.name: field.type for field in schema()}
    for name, kind in kinds.items():
        if name not in known:
            raise ValueError(f"it has a column {name[:60]!r}")
        also = {"sha256": pa.binary(32), "top_probabilities": pa.list_(pa.float16())}
        wanted = [known[name], also.get(name, known[name])]
        # The name of what is within a list is the writer's.
        same = any(
            kind == w or (is_list(kind) and is_list(w) and kind.value_type == w.value_type)
            for w in wanted
        )
        if not same:
            raise ValueError(f"the column {name} is of type {str(kind)[:60]}")


def is_list(kind: Any) -> bool:
    """Whether a type is that of lists."""
    from pyarrow import types

    return bool(types.is_list(kind))


def as_texts(table: pa.Table, texts: list[str]) -> pa.Table:
    """The table with texts in their rows; ValueError where they would be too long."""
    import pyarrow as pa
    from pyarrow import compute

    size = 0
    for name in texts:
        column = table[name]
        if not pa.types.is_dictionary(column.type):
            lengths = compute.binary_length(column)
        else:
            parts = [
                compute.binary_length(part.dictionary).take(part.indices) for part in column.chunks
            ]
            lengths = pa.chunked_array(parts, pa.int32())
        if (compute.max(lengths).as_py() or 0) > MOST_TEXT:
            raise ValueError(f"the column {name} has a text of more than {MOST_TEXT} bytes")
        size += compute.sum(lengths).as_py() or 0
    if size > MOST_DECODED:
        raise ValueError(f"more than {MOST_DECODED} bytes of text when it is decoded")
    for name in texts:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].cast(pa.string()))
    return table


def stream(table: pa.Table) -> bytes:
    """The table as Arrow's stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


if __name__ == "__main__":
    main()
