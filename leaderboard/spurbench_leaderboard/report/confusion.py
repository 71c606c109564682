"""What a model says instead, and which classes it sees where they are not."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from spurbench.results import HeadScore, Result, SplitScore
from spurbench.scores.predictions import Predictions

from .scored import VALIDATION

MOST = 25
"""Answers that are listed; a head of a thousand has as many."""


def reading(score: SplitScore) -> HeadScore:
    """The reading that ranks; the full head's where there is no other (files of version 1)."""
    return score.restricted or score


@dataclass(frozen=True)
class Fired:
    """An answer to pictures of a split that show no class: how often it was given, how often as the
    very class that the picture's feature is of, and to the pictures of how many classes."""

    split: str
    name: str
    pictures: int
    own: int
    classes: int


def fired(result: Result, predictions: Predictions | None) -> list[Fired]:
    """The MOST frequent answers of each split but validation. Without predictions from the result,
    which has the five most frequent wrong answers of a class alone."""
    counts = _from_predictions(predictions) if predictions else _from_result(result)
    found: dict[str, list[Fired]] = defaultdict(list)
    for (split, name, _), by_class in counts.items():
        own = sum(count for (_, is_own), count in by_class.items() if is_own)
        classes = len({slug for slug, _ in by_class})
        found[split].append(Fired(split, name, sum(by_class.values()), own, classes))
    return [
        each
        for split in sorted(found)
        for each in sorted(found[split], key=lambda f: (-f.pictures, f.name))[:MOST]
    ]


Counts = dict[tuple[str, str, int], Counter[tuple[str, bool]]]
"""By split, answer and its label: how often for pictures of a class, and whether as that class."""


def _from_predictions(predictions: Predictions) -> Counts:
    table = predictions.table
    columns = ("split", "slug", "label", "restricted_predicted", "restricted_predicted_name")
    rows = zip(*(table[each].to_pylist() for each in columns), strict=True)
    # As the data set calls its classes; an output may go by another name.
    names = dict(zip(table["label"].to_pylist(), table["class_name"].to_pylist(), strict=True))
    counts: Counts = defaultdict(Counter)
    for split, slug, label, said, name in rows:
        if split != VALIDATION:
            counts[split, names.get(said, name), said][slug, said == label] += 1
    return counts


def _from_result(result: Result) -> Counts:
    counts: Counts = defaultdict(Counter)
    names = {score.label: score.class_name for score in result.scores}
    for score in result.scores:
        if score.split == VALIDATION:
            continue
        if reading(score).hits:
            counts[score.split, names[score.label], score.label][score.slug, True] += reading(
                score
            ).hits
        for wrong in reading(score).wrong:
            name = names.get(wrong.label, wrong.name)
            counts[score.split, name, wrong.label][score.slug, False] += wrong.pictures
    return counts
