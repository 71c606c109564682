"""What a split's rows say in sum: the card and Croissant tell it without reading the files again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .content import opened, unreadable
from .manifest import SplitSummary

COLUMNS = (
    "label",
    "predictions",
    "consistently_spurious",
    "safety_flagged",
    "licence",
    "source_sha256",
)


def summarised(rows: Iterable[Mapping[str, Any]]) -> SplitSummary:
    """The summary of rows, of which ``COLUMNS`` count; those that are missing count as empty."""
    panel: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    consistent: list[bool] = []
    flagged: list[bool] = []
    unlicensed = 0
    for row in rows:
        for one in row.get("predictions") or []:
            panel[one["model"]] += one["label"] == row.get("label")
        consistent += [row["consistently_spurious"]] if _said(row, "consistently_spurious") else []
        flagged += [row["safety_flagged"]] if _said(row, "safety_flagged") else []
        licences.update([row["licence"]] if row.get("licence") else [])
        unlicensed += not row.get("licence") and _said(row, "source_sha256")
    return SplitSummary(
        panel=dict(sorted(panel.items())),
        consistently_spurious=sum(consistent) if consistent else None,
        safety_flagged=sum(flagged) if flagged else None,
        licences=dict(sorted(licences.items())),
        unlicensed=unlicensed,
    )


def _said(row: Mapping[str, Any], column: str) -> bool:
    return row.get(column) is not None


def summary_of(files: Sequence[Path]) -> SplitSummary:
    """The summary of a split's files; UserError where one cannot be read as such a file."""
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    for file in files:
        try:
            found = opened(file)
            there = [name for name in COLUMNS if name in found.schema_arrow.names]
            rows += found.read(columns=there).to_pylist()
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            raise unreadable(file, error) from error
    return summarised(rows)
