"""Whether predictions are of the data set's pictures: of all that were to be scored, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spurbench.files import sha256_json
from spurbench.results import Result, Selection
from spurbench.scores.predictions import Predictions
from spurbench_leaderboard.known import KnownDataSet

Key = tuple[str, str]
Pictures = dict[Key, dict[int, str]]
"""SHA-256 by slug and split, and index."""


@dataclass(frozen=True)
class Scored:
    """What predictions say they are of: their pictures, and each class and split's name and label."""

    pictures: Pictures
    named: dict[Key, tuple[str, int]]


def scored(predictions: Predictions) -> Scored:
    """The pictures that a predictions file has rows of."""
    names = ("slug", "split", "index", "sha256", "class_name", "label")
    columns = [predictions.table[name].to_pylist() for name in names]
    found: Pictures = {}
    named: dict[Key, tuple[str, int]] = {}
    for slug, split, index, sha256, name, label in zip(*columns, strict=True):
        found.setdefault((slug, split), {})[index] = sha256
        named.setdefault((slug, split), (name, label))
    return Scored(found, named)


def faults(result: Result, found: Scored, known: KnownDataSet) -> Iterator[str]:
    """Where the pictures that were scored are not those of the data set."""
    expected, foreign = _expected(result, known), _from_elsewhere(result, found)
    yield from _unknown(found, expected, foreign)
    yield from _names(found, known)
    left_out: Pictures = {}
    for gone in result.data.unreadable:
        left_out.setdefault((gone.slug, gone.split), {})[gone.index] = gone.sha256
    for key, pictures in sorted(expected.items()):
        said, gone_here = found.pictures.get(key, {}), left_out.get(key, {})
        yield from _compared("/".join(key), said, gone_here, pictures)
    for key in sorted(set(left_out) - set(expected) - foreign):
        yield f"{'/'.join(key)}: pictures are left out as unreadable that were not to be scored"
    if result.data.validation:
        yield from _validation(result, found, left_out, foreign)


def _expected(result: Result, known: KnownDataSet) -> Pictures:
    """The data set's pictures that the result says it scored."""
    chosen = result.data.selection or Selection()
    return {
        (slug, name): dict(list(split.by_index.items())[: chosen.limit])
        for slug, entry in known.classes.items()
        if chosen.classes is None or {slug, entry.name} & set(chosen.classes)
        for name, split in entry.splits.items()
        if (chosen.splits is None or name in chosen.splits)
        and split.pictures
        and not (result.data.validation and split.kind == "val")
    }


def _from_elsewhere(result: Result, found: Scored) -> set[Key]:
    """Classes and splits whose pictures are validation pictures from elsewhere."""
    return {key for key in found.pictures if result.data.validation and key[1] == "val"}


def _unknown(found: Scored, expected: Pictures, foreign: set[Key]) -> Iterator[str]:
    strangers = sorted(set(found.pictures) - set(expected) - foreign)
    for key in strangers[:3]:
        yield f"{'/'.join(key)}: is no class and split that was to be scored"
    if len(strangers) > 3:
        yield f"... nor are {len(strangers) - 3} more"


def _names(found: Scored, known: KnownDataSet) -> Iterator[str]:
    for (slug, split), (name, label) in sorted(found.named.items()):
        entry = known.classes.get(slug)
        if entry and (name, label) != (entry.name, entry.label):
            yield (
                f"{slug}/{split}: is said to be label {label}, {name!r}; the data set has "
                f"{entry.label}, {entry.name!r}"
            )
        elif entry is None and split == "val":
            yield f"{slug}/{split}: is of no class of the data set"


def _compared(
    place: str, said: dict[int, str], left_out: dict[int, str], pictures: dict[int, str]
) -> Iterator[str]:
    """Where pictures of a class and split, scored or left out, are not those of the data set."""
    together = left_out | said
    others = sorted(i for i, sha256 in together.items() if pictures.get(i) != sha256)
    lacking = sorted(set(pictures) - set(together))
    if others:
        yield (
            f"{place}: {len(others)} of {len(together)} pictures are not the data set's (the first is "
            f"number {others[0]})"
        )
    if lacking:
        yield (
            f"{place}: {len(lacking)} of the data set's {len(pictures)} pictures are missing (the first "
            f"is number {lacking[0]})"
        )
    twice = sorted(set(left_out) & set(said))
    if twice:
        yield f"{place}: picture {twice[0]} is scored and left out as unreadable"


def _validation(
    result: Result, found: Scored, left_out: Pictures, foreign: set[Key]
) -> Iterator[str]:
    """Whether validation pictures from elsewhere have the fingerprint that is recorded."""
    record = result.data.validation
    labels = {key[0]: label for key, (_, label) in found.named.items()}
    pictures = {
        (labels.get(key[0], -1), index, sha256)
        for source in (found.pictures, left_out)
        for key, some in source.items()
        if key in foreign or key[1] == "val"
        for index, sha256 in some.items()
    }
    fingerprint = sha256_json(sorted((label, sha256) for label, _, sha256 in pictures))
    if record and record.fingerprint != fingerprint:
        yield "the validation pictures are not those of data.validation.fingerprint"
