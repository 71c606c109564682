"""Checks of a split's rows against the manifest, and of their pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from spurbench.dataset.content import COLUMNS, content_of
from spurbench.dataset.schema import SEEDS_APART
from spurbench.files import sha256_json

from .context import Looked, SplitSeen
from .report import Finding

MOST_APART = 0.002
"""How far a stored distance may lie from that of the pixels: half a grey level of 255."""
MADE = ("prompt", "seed", "recipe")
NEAR = 0.05
"""Root mean square distance (pixels in [0, 1]) below which a picture is all but its reference. Two
references of the micro world drawn apart lie at least 0.07 from each other; a reference saved as JPEG of
quality 50 lies 0.05 to 0.07 from itself."""


def against_manifest(seen: SplitSeen) -> Iterator[Finding]:
    """Labels, names, kinds, counts, indices and the content hash."""
    split, entry = seen.split, seen.split.of
    said = {
        "label": ("label", entry.label),
        "class_name": ("class-name", entry.name),
        "source": ("source", split.entry.kind),
    }
    for picture in seen.pictures:
        empty = [name for name in COLUMNS if name in picture.row and picture.row[name] is None]
        if empty:
            yield seen.finding("cell-empty", picture, ", ".join(empty))
        for column, (kind, value) in said.items():
            found = picture.row.get(column)
            if found is not None and found != value:
                yield seen.finding(kind, picture, f"{found!r}, not {value!r}")
    yield from _counted(seen)
    yield from _indices(seen)
    pictures = [(p.row.get("index"), p.row.get("sha256")) for p in seen.pictures]
    found = content_of(entry.label, split.slug, split.name, split.entry.kind, pictures)  # type: ignore[arg-type]
    if found != split.entry.content:
        what = f"{found[:12]}..., not {split.entry.content[:12]}..."
        yield Finding("content", split.place(), what)


def _counted(seen: SplitSeen) -> Iterator[Finding]:
    there = Counter(picture.file for picture in seen.pictures)
    for file in seen.split.entry.files:
        if there[file.path] != file.pictures:
            what = f"{there[file.path]} can be read, {file.pictures} are recorded"
            yield Finding("count", seen.split.place(file.path), what)


def _indices(seen: SplitSeen) -> Iterator[Finding]:
    for place, picture in enumerate(seen.pictures):
        index = picture.row.get("index")
        if index is not None and index != place:
            yield seen.finding("index", picture, f"picture {place} in order has the index {index}")
            return


def pictures_whole(seen: SplitSeen) -> Iterator[Finding]:
    """Every picture's bytes against its hash, whether it can be decoded, and whether it is black or
    of one colour."""
    for picture in seen.pictures:
        stored = picture.row.get("sha256")
        if picture.sha256 is not None and stored is not None and picture.sha256 != stored:
            what = f"{picture.sha256[:12]}..., not {stored[:12]}..."
            yield seen.finding("picture-bytes", picture, what)
        if picture.problem:
            yield seen.finding("picture-unreadable", picture, picture.problem)
        flat = picture.row.get("degenerate")
        if flat is not None and picture.degenerate is not None and flat != picture.degenerate:
            yield seen.finding("degenerate", picture, f"{flat}, not {picture.degenerate}")


def how_made(seen: SplitSeen) -> Iterator[Finding]:
    """Prompt, seed and recipe of generated pictures, and whether they agree with the manifest's."""
    if seen.split.entry.kind != "generated":
        return
    lacking = [
        (picture, [name for name in MADE if picture.row.get(name) in (None, "")])
        for picture in seen.pictures
    ]
    empty = [(picture, names) for picture, names in lacking if names]
    if seen.split.built:
        for picture, names in empty:
            yield seen.finding("made-how", picture, ", ".join(names))
    elif empty:
        what = f"of {len(empty)} of {len(seen.pictures)} pictures"
        yield Finding("made-unknown", seen.split.place(), what)
    yield from _recipes(seen)
    yield from _seeds(seen)


def _recipes(seen: SplitSeen) -> Iterator[Finding]:
    split = seen.split
    if split.built and split.entry.recipe is None:
        yield Finding("recipe", split.place(), "manifest.json names none for the split")
    for picture in seen.pictures:
        found = picture.row.get("recipe")
        if found is not None and split.entry.recipe is not None and found != split.entry.recipe:
            yield seen.finding("recipe", picture, f"{found}, the split {split.entry.recipe}")
    if split.of_one_build and split.entry.recipe is not None:
        recorded = named(split.of.provenance["recipe"])
        if recorded != split.entry.recipe:
            what = f"the class's provenance is of {recorded}, the split of {split.entry.recipe}"
            yield Finding("recipe", split.place(), what)


def named(recipe: dict[str, Any]) -> str:
    """A recipe as rows and manifests name it: NAME@FINGERPRINT."""
    return f"{recipe.get('name')}@{sha256_json(recipe)[:12]}"


def _seeds(seen: SplitSeen) -> Iterator[Finding]:
    split, seed = seen.split, seen.split.entry.seed
    recorded = split.of.provenance.get("seed")
    if split.of_one_build and recorded != seed:
        what = f"the class's provenance is of seed {recorded}, the split of {seed}"
        yield Finding("seed", split.place(), what)
    first: dict[int, Looked] = {}
    for picture in seen.pictures:
        found = picture.row.get("seed")
        if found is None:
            continue
        if found in first:
            what = f"{found}, which picture {first[found].index} has too"
            yield seen.finding("seed", picture, what)
        first.setdefault(found, picture)
        if split.built and seed is not None and found // SEEDS_APART != seed:
            yield seen.finding("seed", picture, f"{found} is not one of a build of seed {seed}")


def references(seen: SplitSeen, trained_on: frozenset[str]) -> Iterator[Finding]:
    """What is said of training references, ``trained_on`` by their origins: where they are marked, and
    how near generated pictures are to them."""
    if seen.split.entry.kind == "generated":
        yield from _nearest(seen, trained_on)
        return
    for picture in seen.pictures:
        if picture.row.get("is_training_reference") and seen.split.entry.kind == "val":
            yield seen.finding("reference-flag", picture, "a validation picture")


def _nearest(seen: SplitSeen, trained_on: frozenset[str]) -> Iterator[Finding]:
    beside = any(split.kind == "si" for split in seen.split.of.splits.values())
    if seen.split.built and beside and not trained_on:
        yield Finding("reference-none", seen.split.place(), "in the splits of kind si")
    for picture in seen.pictures:
        row = picture.row
        if row.get("is_training_reference"):
            yield seen.finding("reference-flag", picture, "a generated picture")
        origin = row.get("nearest_reference")
        if trained_on and origin is not None and origin not in trained_on:
            yield seen.finding("reference-unknown", picture, repr(origin))
        yield from _distance(seen, picture, row.get("nearest_distance"))


def _agree(seen: SplitSeen, picture: Looked, least: float, stored: float) -> bool:
    """Whether the stored distance is the least to the marked references. With several generated splits
    some are marked that this one's model did not train on and may lie nearer: there it is that to the
    reference which the row names."""
    kinds = [split.kind for split in seen.split.of.splits.values()]
    if kinds.count("generated") > 1 and picture.named is not None:
        least = picture.named
    return abs(least - stored) <= MOST_APART


def _distance(seen: SplitSeen, picture: Looked, stored: float | None) -> Iterator[Finding]:
    found = picture.nearest
    if found and stored is not None and not _agree(seen, picture, found[1], stored):
        what = f"{stored:.4f}, the pixels lie {found[1]:.4f} from {found[0]!r}"
        yield seen.finding("distance", picture, what)
    origin, distance = found or (picture.row.get("nearest_reference"), stored)
    if distance is not None and distance < NEAR:
        yield seen.finding("near-copy", picture, f"{distance:.4f} from {origin!r}")
