"""How the columns of predictions lie on the disk: as few bytes a picture as what they say takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

RESTRICTED = ("predicted", "predicted_name", "class_log_odds", "top_labels")
"""What is kept of the reading restricted to the domain's labels."""


def compact(table: pa.Table) -> pa.Table:
    """The table as it is stored.

    Hashes as bytes; top probabilities in half precision; ``predicted`` is the first of ``top_labels``,
    which are left out where the outputs are the labels; a restricted reading equal to the full one
    is left out.
    """
    import pyarrow as pa

    same = all(table[name].equals(table[f"restricted_{name}"]) for name in RESTRICTED)
    left_out = {"predicted", "restricted_predicted"}
    left_out |= {f"restricted_{name}" for name in RESTRICTED} if same else set()
    left_out |= {"top_labels"} if table["top_labels"].equals(table["top_outputs"]) else set()
    columns = {}
    for name in table.column_names:
        column = table[name]
        if name in left_out or (len(column) and all_null(column)):
            continue
        if name == "sha256":
            column = pa.array([bytes.fromhex(text) for text in column.to_pylist()], pa.binary(32))
        elif name == "top_probabilities":
            column = column.cast(pa.list_(pa.float16()))
        columns[name] = column
    return pa.table(columns)


def expanded(stored: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table that was stored, with all columns of ``schema``; files of format 1 have them already.

    Raises KeyError, ValueError or ArrowException for a table that was not made by ``compact``.
    """
    import pyarrow as pa

    columns = {name: stored[name] for name in stored.column_names if name in schema.names}
    if "probability" not in stored.column_names:  # format 1 keeps it
        columns["sha256"] = _as_text(stored["sha256"])
        columns.setdefault("top_labels", columns["top_outputs"])
        columns["predicted"] = _firsts(columns["top_labels"])
        if "restricted_top_labels" in columns:
            columns["restricted_predicted"] = _firsts(columns["restricted_top_labels"])
        else:
            columns |= {f"restricted_{name}": columns[name] for name in RESTRICTED}
    for field in schema:
        if field.name not in columns:
            columns[field.name] = pa.nulls(stored.num_rows, field.type)
    return pa.table([columns[name] for name in schema.names], names=schema.names).cast(schema)


def _as_text(hashes: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    if hashes.type != pa.binary(32):
        raise ValueError(f"the column sha256 has values of type {hashes.type}, not of 32 bytes")
    texts = [None if value is None else value.hex() for value in hashes.to_pylist()]
    return pa.array(texts, pa.string())


def _firsts(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    from pyarrow import compute

    return compute.list_element(lists, 0)


def all_null(column: pa.ChunkedArray) -> bool:
    """Whether the column says nothing of any row."""
    return bool(column.null_count == len(column))
