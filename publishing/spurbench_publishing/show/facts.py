"""What a page says of a data set: of each picture, of each class, and of how it was made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spurbench import plugins
from spurbench.dataset.frame import said_by
from spurbench.dataset.manifest import ClassEntry, Manifest
from spurbench.dataset.read import DataSet
from spurbench.dataset.schema import KINDS, Row
from spurbench.errors import UserError
from spurbench.printing import one_line
from spurbench.reading import finite

NEAR = 0.1
"""Below this distance (of 1) to a training reference a picture is called a near copy, until the reader
of the page says otherwise."""
THRESHOLD = 0.5
"""The object counts as found above it, where the recipe states no other."""
MOST_SETTINGS = 2000


@dataclass(frozen=True)
class Said:
    """What a panel member said of a picture: its spec, the label it names and that label in words,
    the probability of the class in [0, 1], and whether it took the picture for the class."""

    member: str
    label: int
    name: str
    probability: float | None
    fooled: bool


@dataclass(frozen=True)
class Shown:
    """A picture as a page tells of it. ``key`` names it in the page; what is not known is None.
    ``nearest`` is the key of the training reference that looks most alike; ``told`` are what else is
    stored of it, by column, as text."""

    key: str
    slug: str
    class_name: str
    split: str
    kind: str
    index: int
    said: tuple[Said, ...]
    fools_all: bool | None
    object_probability: float | None
    object_found: bool | None
    nearest: str | None
    distance: float | None
    degenerate: bool | None
    flagged: bool | None
    trained_on: bool
    told: tuple[tuple[str, str], ...]

    @property
    def fooled(self) -> int:
        """How many members of the panel took it for the class."""
        return sum(said.fooled for said in self.said)

    @property
    def words(self) -> str:
        """What was found, in words; for a picture's alternative text as well."""
        parts = [f"fools {self.fooled} of {len(self.said)}"] if self.said else []
        if self.object_found is not None:
            parts.append("object found" if self.object_found else "no object found")
        parts += ["degenerate"] if self.degenerate else []
        parts += ["safety flag"] if self.flagged else []
        parts += ["trained on"] if self.trained_on else []
        return ", ".join(parts)


def splits_of(entry: ClassEntry) -> list[str]:
    """A class's splits: by kind, then by name."""
    return sorted(entry.splits, key=lambda name: (KINDS.index(entry.splits[name].kind), name))


def label_names(manifest: Manifest) -> dict[int, str]:
    """Names of the domain's labels, as far as its cards and the data set have them."""
    try:
        cards = plugins.domain(manifest.domain).cards()
    except UserError:  # a domain whose plug-in is not installed
        cards = []
    known = {card.label: card.name for card in cards}
    return known | {entry.label: entry.name for entry in manifest.classes.values()}


def threshold_of(entry: ClassEntry) -> float:
    """The object probability above which the class's recipe says that the object is there."""
    audit = _mapping(_mapping(entry.provenance.get("recipe")).get("audit"))
    stated = audit.get("threshold")
    return float(stated) if stated is not None and finite(stated) else THRESHOLD


def shown_pictures(
    data_set: DataSet, slug: str, names: Mapping[int, str]
) -> Iterator[tuple[Shown, bytes]]:
    """The pictures of a class in order of split and index, each with its encoded bytes."""
    entry = data_set.manifest.classes[slug]
    references = _references(data_set, slug)
    for split in splits_of(entry):
        for row in data_set.rows(slug, split):
            yield _shown(slug, split, entry, row, names, references), row.data


def _references(data_set: DataSet, slug: str) -> dict[str, str]:
    """Keys of a class's references by origin; those that were trained on before others."""
    entry = data_set.manifest.classes[slug]
    found: dict[str, tuple[bool, str]] = {}
    for split in (name for name in splits_of(entry) if entry.splits[name].kind == "si"):
        for row in data_set.rows(slug, split, data=False):
            trained = bool(row.is_training_reference)
            if row.origin not in found or (trained and not found[row.origin][0]):
                found[row.origin] = (trained, _key(slug, split, row))
    return {origin: key for origin, (_, key) in found.items()}


def _key(slug: str, split: str, row: Row) -> str:
    return f"{slug}.{split}.{row.index}"


def _shown(
    slug: str,
    split: str,
    entry: ClassEntry,
    row: Row,
    names: Mapping[int, str],
    references: Mapping[str, str],
) -> Shown:
    probability = _finite(row.object_probability)
    found = None if probability is None else probability > threshold_of(entry)
    return Shown(
        _key(slug, split, row),
        slug,
        one_line(entry.name),
        split,
        entry.splits[split].kind,
        row.index,
        tuple(
            Said(one_line(member), label, _name(label, names), _finite(share), label == entry.label)
            for member, (label, share) in said_by(row).items()
        ),
        row.consistently_spurious,
        probability,
        found,
        references.get(row.nearest_reference or ""),
        _finite(row.nearest_distance),
        row.degenerate,
        row.safety_flagged,
        bool(row.is_training_reference),
        tuple(_told(row)),
    )


def _told(row: Row) -> Iterator[tuple[str, str]]:
    values = {
        "prompt": row.prompt,
        "seed": row.seed,
        "recipe": row.recipe,
        "origin": row.origin,
        "nearest reference": row.nearest_reference,
        "licence": row.credit.licence,
        "author": row.credit.author,
        "source": row.credit.source_url,
        "SHA-256": row.sha256,
        "SHA-256 of the source": row.credit.source_sha256,
    }
    for name, value in values.items():
        if value not in (None, ""):
            yield name, one_line(value)


def _name(label: int, names: Mapping[int, str]) -> str:
    """A label in words; a network's output may be none of the domain's (-1)."""
    if label < 0:
        return "none of the labels"
    return one_line(names.get(label, f"label {label}"))


def _finite(value: float | None) -> float | None:
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def settings(provenance: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What is recorded of how a class was made: of each part its settings by dotted name, and first
    those that stand alone, under no name."""
    alone: list[tuple[str, str]] = []
    parts = []
    for name, value in sorted(provenance.items()):
        if isinstance(value, dict) and value:
            parts.append((one_line(name), list(_flat(value))[:MOST_SETTINGS]))
        else:
            alone.append((one_line(name), _plain(value)))
    return [*([("", alone)] if alone else []), *parts]


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in sorted(value.items()):
        if isinstance(inner, dict) and inner:
            yield from _flat(inner, f"{before}{name}.")
        else:
            yield one_line(f"{before}{name}"), _plain(inner)


def _plain(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        return one_line(", ".join(map(str, value)))
    return one_line("-" if value is None else value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def members_of(pictures: Sequence[Shown]) -> list[str]:
    """The panel's members in the order in which they are met."""
    return list(dict.fromkeys(said.member for picture in pictures for said in picture.said))
