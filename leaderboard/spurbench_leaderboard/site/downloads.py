"""A leaderboard as CSV and JSON: every number of the page, for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from spurbench.spreadsheet import inert

from .board import Data

COLUMNS = (
    "table", "domain", "data", "version", "framing", "spec", "weights", "parameters", "labels", "panel",
    "rank", "rank_low", "rank_high", "class", "split", "hits", "pictures", "share", "low", "high",
)  # fmt: skip
"""Of the CSV: a row a model, class and split; class ``*`` is the mean over classes, which has the rank."""


def as_json(tables: Sequence[Data]) -> bytes:
    """All tables as one JSON document."""
    return (json.dumps({"tables": list(tables)}, ensure_ascii=False, indent=1) + "\n").encode()


def as_csv(tables: Sequence[Data]) -> bytes:
    """All tables in long form, in UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for table in tables:
        for row in table["rows"]:
            writer.writerows([[_cell(value) for value in line] for line in _lines(table, row)])
    return buffer.getvalue().encode()


def _lines(table: Data, row: Data) -> Iterator[list[Any]]:
    about: list[Any] = [
        table["key"],
        table["domain"],
        table["data"],
        table["version"],
        table["framing"],
    ]
    about += [row["spec"], row["weights"], row["parameters"], row["labels"], row["panel"]]
    for split, mean in row["means"].items():
        yield [*about, *(row["rank"] or (None, None, None)), "*", split, None, None, *mean]
        n = (row["n"] if "n" in row else table["n"])[split]
        for entry, hits, pictures in zip(table["classes"], row["hits"][split], n, strict=True):
            if hits is not None and pictures:
                share = round(hits / pictures, 4)
                found: list[Any] = [entry["slug"], split, hits, pictures, share, None, None]
                yield [*about, None, None, None, *found]


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return inert(value) if isinstance(value, str) else value
