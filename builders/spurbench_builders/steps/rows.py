"""What the steps of a build found, put together as the rows of its splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spurbench.contracts import ClassCard
from spurbench.dataset.schema import PanelPrediction, Row
from spurbench.files import sha256_bytes
from spurbench_builders.inputs.panel import fools_all
from spurbench_builders.inputs.pool import PoolPicture

Predictions = Sequence[tuple[PanelPrediction, ...]]


def reference_rows(
    card: ClassCard, pool: Sequence[PoolPicture], said: Predictions, chosen: Sequence[int]
) -> list[Row]:
    """Split `si`: the whole pool, with the pictures that were trained on marked."""
    return [
        _row(
            card,
            picture.data,
            "si",
            i,
            picture.origin,
            credit=picture.credit,
            predictions=said[i],
            consistently_spurious=fools_all(said[i], card.label),
            is_training_reference=i in chosen,
        )
        for i, picture in enumerate(pool)
    ]


def generated_rows(
    card: ClassCard,
    files: Sequence[Path],
    seeds: Sequence[int],
    said: Predictions,
    findings: Sequence[dict[str, Any]],
    trained_on: Sequence[PoolPicture],
    safety: Sequence[bool] | None,
    **known: str,
) -> list[Row]:
    """Split `generated`: every sampled picture, none left out, with what the audit found."""
    rows = []
    for i, path in enumerate(files):
        measured = dict(findings[i])
        nearest = trained_on[measured.pop("nearest_reference")].origin
        rows.append(
            _row(
                card,
                path.read_bytes(),
                "generated",
                i,
                f"seed {seeds[i]}",
                predictions=said[i],
                consistently_spurious=fools_all(said[i], card.label),
                seed=seeds[i],
                nearest_reference=nearest,
                safety_flagged=safety[i] if safety else None,
                **measured,
                **known,
            )
        )
    return rows


def validation_rows(card: ClassCard, pool: Sequence[PoolPicture]) -> list[Row]:
    """Split `val`: pictures of the class itself."""
    return [_row(card, p.data, "val", i, p.origin) for i, p in enumerate(pool)]


def _row(card: ClassCard, data: bytes, source: str, index: int, origin: str, **known: Any) -> Row:
    return Row(data, card.label, card.name, source, index, origin, sha256_bytes(data), **known)
