"""What each model said of each picture of a class: from the predictions, for the page to load when asked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench.errors import UserError
from spurbench.reading import is_file, read_bytes
from spurbench.results import Result
from spurbench.scores.stored import predictions_path

if TYPE_CHECKING:
    from spurbench.scores.predictions import Predictions

    from .pictures import Thumbnail

Read = Callable[[bytes, str], "Predictions"]
Where = tuple[str, int]
"""Split and index of a picture of a class."""
COLUMNS = (
    "slug",
    "split",
    "index",
    "label",
    "restricted_predicted",
    "restricted_predicted_name",
    "restricted_class_log_odds",
)


@dataclass(frozen=True)
class Said:
    """An answer to a picture: its name, whether it is the picture's class, and that class's probability in
    per cent, over the domain's labels."""

    name: str
    hit: bool
    percent: int


ByClass = dict[str, dict[Where, Said]]


def answers(result: Result, results: Path, read: Read) -> ByClass:
    """A result's answers by class; none where its predictions do not lie beside it, or are not those
    that the result was computed from."""
    path = predictions_path(result.path_under(results), result)
    if not is_file(path):
        return {}
    try:
        predictions = read(read_bytes(path), str(path))
    except UserError:
        return {}
    if predictions.sha256 != result.predictions_sha256:
        return {}
    found: ByClass = {}
    columns = [predictions.table[name].to_pylist() for name in COLUMNS]
    for slug, split, index, label, answer, name, log_odds in zip(*columns, strict=True):
        said = Said(name, answer == label, round(100 * _probability(log_odds)))
        found.setdefault(slug, {})[split, index] = said
    return found


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds)) if log_odds >= 0 else 1 - _probability(-log_odds)


def class_file(
    key: str,
    slug: str,
    pictures: Sequence[Thumbnail],
    models: Sequence[tuple[str, dict[Where, Said]]],
) -> bytes:
    """A script that hands the page a class's pictures and what every model said of them.

    ``models`` are the ids of rows with their answers to this class. Names stand in a list; an answer is its
    place there, -1 where a model has none.
    """
    names: dict[str, int] = {}
    said = {}
    for model, found in models:
        given = [found.get((picture.split, picture.index)) for picture in pictures]
        said[model] = {
            "names": [names.setdefault(a.name, len(names)) if a else -1 for a in given],
            "hits": [int(a.hit) if a else -1 for a in given],
            "percent": [a.percent if a else -1 for a in given],
        }
    told = {
        "pictures": [
            [picture.split, picture.index, str(picture.place) if picture.data else ""]
            for picture in pictures
        ],
        "names": list(names),
        "said": said,
    }
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
    return f"spurbench.take({json.dumps(key)},{json.dumps(slug)},{text});\n".encode()
