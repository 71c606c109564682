"""Rows as a flat table: a row a picture, or a row for what each panel member said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .rows import COLUMNS, CREDIT
from .schema import Row

if TYPE_CHECKING:
    from pandas import DataFrame

PLACE = ("slug", "split")
TOLD = tuple(name for name in COLUMNS if name != "predictions") + CREDIT
TYPES = {
    "label": "int32",
    "index": "int32",
    "seed": "Int64",
    "consistently_spurious": "boolean",
    "is_training_reference": "boolean",
    "object_probability": "Float32",
    "nearest_distance": "Float32",
    "degenerate": "boolean",
    "safety_flagged": "boolean",
}
"""The columns that are no text, as pandas has them; each can be empty where the format's can."""
PREDICTED, PROBABILITY = "predicted.", "probability."
Placed = tuple[str, str, Row]
"""A row with its class's slug and its split's name."""


def picture_record(slug: str, split: str, row: Row) -> dict[str, Any]:
    """What is known of a picture but its bytes and what the panel said: place, columns, credit."""
    told = {name: getattr(row, name) for name in TOLD if name not in CREDIT}
    return {"slug": slug, "split": split, **told, **row.credit.__dict__}


def member_names(rows: Iterable[Row]) -> list[str]:
    """The panel's members in the order in which they are met."""
    return list(dict.fromkeys(name for row in rows for name in said_by(row)))


def said_by(row: Row) -> dict[str, tuple[int, float]]:
    """Top-1 label and probability of the class by panel member; one that is there twice is told
    apart by a number."""
    met: Counter[str] = Counter()
    said = {}
    for p in row.predictions:
        met[p.model] += 1
        name = p.model if met[p.model] == 1 else f"{p.model}#{met[p.model]}"
        said[name] = (p.label, p.probability)
    return said


def by_picture(placed: list[Placed]) -> DataFrame:
    """A row a picture; of each panel member the columns ``predicted.MODEL`` and
    ``probability.MODEL``."""
    import pandas as pd

    members = member_names(row for _, _, row in placed)
    columns = _columns([picture_record(*each) for each in placed])
    said = [said_by(row) for _, _, row in placed]
    for name in members:
        told = [each.get(name, (None, None)) for each in said]
        columns[f"{PREDICTED}{name}"] = pd.array([label for label, _ in told], dtype="Int32")
        columns[f"{PROBABILITY}{name}"] = pd.array([share for _, share in told], dtype="Float32")
    return pd.DataFrame(columns)


def by_prediction(placed: list[Placed]) -> DataFrame:
    """A row for what a panel member said of a picture: the picture's columns, then ``model``,
    ``predicted`` and ``probability``. Pictures that no panel saw have none."""
    import pandas as pd

    told = [
        (picture_record(slug, split, row), member, *said)
        for slug, split, row in placed
        for member, said in said_by(row).items()
    ]
    columns = _columns([record for record, *_ in told])
    columns["model"] = pd.array([member for _, member, _, _ in told], dtype="string")
    columns["predicted"] = pd.array([label for *_, label, _ in told], dtype="int32")
    columns["probability"] = pd.array([share for *_, share in told], dtype="float32")
    return pd.DataFrame(columns)


def _columns(records: list[dict[str, Any]]) -> dict[str, Any]:
    import pandas as pd

    return {
        name: pd.array([record[name] for record in records], dtype=TYPES.get(name, "string"))
        for name in (*PLACE, *TOLD)
    }
