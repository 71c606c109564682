"""Pictures without the class to which a model gave it the highest probability, and what it said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spurbench.dataset.read import DataSet
from spurbench.errors import UserError
from spurbench.scores.predictions import Predictions

from .scored import VALIDATION
from .thumbnails import Thumbnail, thumbnail

MOST = 24
"""Pictures that are shown."""
MOST_OF_A_CLASS = 3
"""Of those, unless there are too few classes to have MOST of them."""


@dataclass(frozen=True)
class Worst:
    """A picture: where it lies in the data set, the probability of its class over the domain's labels,
    whether it is taken for the class, and the full head's five most probable answers with theirs."""

    class_name: str
    slug: str
    split: str
    index: int
    sha256: str
    probability: float
    taken: bool
    answers: tuple[tuple[str, float], ...]
    picture: Thumbnail | None = None


def most_of_a_class(classes: int) -> int:
    """How many pictures of one class are shown, where so many classes have some."""
    return max(MOST_OF_A_CLASS, -(-MOST // max(classes, 1)))


def worst(predictions: Predictions) -> list[Worst]:
    """The MOST worst pictures of all splits but validation, the worst first; of a class no more than
    ``most_of_a_class``, so that one class does not fill the list."""
    from scipy.special import expit

    table = predictions.table
    odds = table["restricted_class_log_odds"].to_numpy().astype(np.float64)
    slugs, splits = table["slug"].to_pylist(), table["split"].to_pylist()
    spurious = [i for i, split in enumerate(splits) if split != VALIDATION]
    bound = most_of_a_class(len({slugs[i] for i in spurious}))
    chosen: list[int] = []
    seen: Counter[str] = Counter()
    # By log odds: they do not tie where probabilities round to 1.
    for i in sorted(spurious, key=lambda i: (-odds[i], slugs[i], splits[i], i)):
        if seen[slugs[i]] < bound:
            seen[slugs[i]] += 1
            chosen.append(i)
        if len(chosen) == MOST:
            break
    names = _Names(table)
    return [_worst(row, float(expit(odds[i])), names) for i, row in _rows(table, chosen)]


def with_pictures(found: Sequence[Worst], data: DataSet) -> list[Worst]:
    """The same with thumbnails; UserError where the data set has not those very pictures."""
    wanted = {(each.slug, each.split, each.index): each for each in found}
    shown: dict[tuple[str, str, int], Thumbnail] = {}
    for slug, split in sorted({(each.slug, each.split) for each in found}):
        entry = data.manifest.classes.get(slug)
        for row in data.rows(slug, split) if entry and split in entry.splits else ():
            picture = wanted.get((slug, split, row.index))
            if picture and picture.sha256 == row.sha256:
                shown[slug, split, row.index] = thumbnail(row.data)
    for key in wanted:
        if key not in shown:
            raise UserError(
                f"{data.folder}: its picture {key[2]} of {key[0]}, {key[1]} is not the one that was scored; "
                "the result is not of this data set"
            )
    return [replace(each, picture=shown[each.slug, each.split, each.index]) for each in found]


class _Names:
    """Names of outputs and labels, as far as the predictions tell them."""

    def __init__(self, table: Any) -> None:
        firsts = (row[0] for row in table["top_outputs"].to_pylist())
        self.outputs = dict(zip(firsts, table["predicted_name"].to_pylist(), strict=True))
        columns = ("restricted_predicted", "restricted_predicted_name", "label", "class_name")
        said, said_names, labels, names = (table[name].to_pylist() for name in columns)
        self.labels = dict(zip(said, said_names, strict=True)) | dict(
            zip(labels, names, strict=True)
        )

    def of(self, output: int, label: int) -> str:
        """An output that means that label."""
        if label in self.labels and label != -1:
            return str(self.labels[label])
        if output in self.outputs:
            return str(self.outputs[output])
        return f"label {label}" if label != -1 else f"output {output}, no label of the domain"


def _rows(table: Any, places: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    rows = table.take(np.array(places, dtype=np.int64)).to_pylist()
    return list(zip(places, rows, strict=True))


def _worst(row: dict[str, Any], probability: float, names: _Names) -> Worst:
    said = zip(row["top_outputs"], row["top_labels"], row["top_probabilities"], strict=True)
    return Worst(
        row["class_name"],
        row["slug"],
        row["split"],
        row["index"],
        row["sha256"],
        probability,
        row["restricted_predicted"] == row["label"],
        tuple((names.of(output, label), share) for output, label, share in said),
    )
