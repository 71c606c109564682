"""A picture's columns as text cells and as JSON, and the name that its file has outside."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from spurbench.dataset.frame import (
    PLACE,
    PREDICTED,
    PROBABILITY,
    TOLD,
    member_names,
    picture_record,
    said_by,
)
from spurbench.dataset.read import DataSet
from spurbench.dataset.schema import Row, ending
from spurbench.pictures import png_bytes, read_rgb
from spurbench.spreadsheet import inert

KEPT = {".png", ".jpg", ".webp", ".tif", ".bmp"}
"""Formats that torchvision and webdataset read; a picture of another becomes a PNG."""


@dataclass(frozen=True)
class Chosen:
    """What of a data set is exported: slugs and splits, in order."""

    data_set: DataSet
    groups: tuple[tuple[str, str], ...]

    def rows(self, *, data: bool) -> Iterator[tuple[str, str, Row]]:
        """All rows with their slug and split; ``data``: with their pictures' bytes."""
        for slug, split in self.groups:
            for row in self.data_set.rows(slug, split, data=data):
                yield slug, split, row


def picture_file(slug: str, split: str, row: Row) -> tuple[str, bytes]:
    """A picture's ending and bytes: those that are stored, or a PNG of what others could not read."""
    suffix = ending(row.data)
    if suffix in KEPT:
        return suffix, row.data
    return ".png", png_bytes(read_rgb(row.data, f"{slug}/{split} picture {row.index}"))


def members(chosen: Chosen) -> list[str]:
    """The panel's members in the order in which they are met."""
    return member_names(row for _, _, row in chosen.rows(data=False))


def header(panel: Sequence[str], before: Sequence[str] = ()) -> list[str]:
    """Names of a table's columns: what stands before, the picture's own, two a panel member."""
    told = [f"{what}{member}" for member in panel for what in (PREDICTED, PROBABILITY)]
    return [*before, *PLACE, *TOLD, *told]


def cells(
    slug: str, split: str, row: Row, panel: Sequence[str], before: Sequence[str] = ()
) -> list[str]:
    """A picture's row under that header."""
    said = said_by(row)
    told: list[Any] = []
    for member in panel:
        label, probability = said.get(member, (None, None))
        told += [label, probability]
    return [_cell(v) for v in (*before, *picture_record(slug, split, row).values(), *told)]


def write_csv(file: TextIO, rows: Iterable[list[str]]) -> None:
    """Rows as RFC 4180 has them: commas, CRLF, quotes where they are needed."""
    csv.writer(file, lineterminator="\r\n").writerows(rows)


def as_json(slug: str, split: str, row: Row) -> dict[str, Any]:
    """A picture's columns as JSON has them, with what each panel member said."""
    said = [
        {"model": model, "label": label, "probability": _number(probability)}
        for model, (label, probability) in said_by(row).items()
    ]
    record = picture_record(slug, split, row)
    return {name: _number(value) for name, value in record.items()} | {"predictions": said}


def _number(value: Any) -> Any:
    """A float as short as its 32 bits allow; JSON knows none that is not finite."""
    if not isinstance(value, float):
        return value
    return float(str(np.float32(value))) if math.isfinite(value) else None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(np.float32(value))
    if isinstance(value, int):
        return str(value)
    return inert(str(value))
