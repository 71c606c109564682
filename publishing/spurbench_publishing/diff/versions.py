"""Two versions of a data set, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spurbench.dataset.content import read_rows
from spurbench.dataset.manifest import ClassEntry, Manifest, SplitEntry, read_manifest
from spurbench.errors import UserError
from spurbench.reading import is_file

from .fields import Change, changes
from .pictures import PictureChanges, picture_changes

NOTHING = PictureChanges((), (), (), ())


@dataclass(frozen=True)
class Version:
    """A data set folder; ``where`` is what the caller called it."""

    where: str
    folder: Path
    manifest: Manifest

    def pictures(self, split: SplitEntry) -> tuple[tuple[int, str], ...]:
        """Index and SHA-256 of a split's pictures; UserError where a file is missing or broken."""
        files = [self.folder / file.path for file in split.files]
        for file in files:
            if not is_file(file):
                raise UserError(f"{file}: missing; `spurbench verify` tells all that is wrong")
        return read_rows(files).pictures


@dataclass(frozen=True)
class SplitDifference:
    """A split that both versions have: how many pictures it holds, its ``fields`` (kind, recipe, seed)
    and what became of its pictures."""

    name: str
    before: int
    after: int
    fields: tuple[Change, ...]
    pictures: PictureChanges

    def as_data(self) -> dict[str, Any]:
        """The difference as JSON has it."""
        counts = {"before": self.before, "after": self.after}
        fields = [field.as_data() for field in self.fields]
        return {"pictures": counts, "fields": fields, **self.pictures.as_data()}


@dataclass(frozen=True)
class ClassDifference:
    """A class that both versions have. ``added`` and ``gone`` are splits with how many pictures they
    hold, ``fields`` the class's own, ``provenance`` what its maker recorded."""

    slug: str
    fields: tuple[Change, ...]
    added: dict[str, int]
    gone: dict[str, int]
    splits: tuple[SplitDifference, ...]
    provenance: tuple[Change, ...]

    @property
    def differs(self) -> bool:
        """Whether anything of the class is another."""
        return any((self.fields, self.added, self.gone, self.splits, self.provenance))

    def as_data(self) -> dict[str, Any]:
        """The difference as JSON has it."""
        return {
            "fields": [field.as_data() for field in self.fields],
            "splits_added": self.added,
            "splits_gone": self.gone,
            "splits_changed": {split.name: split.as_data() for split in self.splits},
            "provenance": [field.as_data() for field in self.provenance],
        }


@dataclass(frozen=True)
class Difference:
    """All that differs; ``added`` and ``gone`` are classes with how many pictures they hold, ``fields``
    the data set's own, ``same`` how many classes are alike."""

    before: Version
    after: Version
    fields: tuple[Change, ...]
    added: dict[str, int]
    gone: dict[str, int]
    classes: tuple[ClassDifference, ...]
    same: int

    @property
    def differs(self) -> bool:
        """Whether anything is another."""
        return any((self.fields, self.added, self.gone, self.classes))

    def as_data(self) -> dict[str, Any]:
        """The difference as JSON has it."""
        sides = {"before": self.before, "after": self.after}
        return {
            **{
                name: {
                    "where": side.where,
                    "version": side.manifest.version,
                    "fingerprint": side.manifest.fingerprint(),
                }
                for name, side in sides.items()
            },
            "differs": self.differs,
            "fields": [field.as_data() for field in self.fields],
            "classes_added": self.added,
            "classes_gone": self.gone,
            "classes_changed": {entry.slug: entry.as_data() for entry in self.classes},
            "classes_same": self.same,
        }


def opened(where: str, folder: Path) -> Version:
    """A version of a data set; UserError where there is none."""
    return Version(where, folder, read_manifest(folder))


def difference(before: Version, after: Version) -> Difference:
    """What changed from one version to the other. Files are read of splits alone whose content differs;
    that they are what their manifests say is for `spurbench verify` to tell."""
    old, new = before.manifest.classes, after.manifest.classes
    both = [slug for slug in sorted(old) if slug in new]
    found = [_class(slug, before, after) for slug in both]
    classes = tuple(entry for entry in found if entry.differs)
    own = [{"name": m.name, "domain": m.domain} for m in (before.manifest, after.manifest)]
    return Difference(
        before,
        after,
        tuple(changes(own[0], own[1])),
        {slug: _held(new[slug]) for slug in sorted(new) if slug not in old},
        {slug: _held(old[slug]) for slug in sorted(old) if slug not in new},
        classes,
        len(both) - len(classes),
    )


def _held(entry: ClassEntry) -> int:
    return sum(split.pictures for split in entry.splits.values())


def _class(slug: str, before: Version, after: Version) -> ClassDifference:
    one, two = (side.manifest.classes[slug] for side in (before, after))
    own = [{"name": e.name, "label": e.label, "feature": e.feature} for e in (one, two)]
    both = [name for name in sorted(one.splits) if name in two.splits]
    splits = [_split(name, before, one.splits[name], after, two.splits[name]) for name in both]
    return ClassDifference(
        slug,
        tuple(changes(own[0], own[1])),
        {name: two.splits[name].pictures for name in sorted(two.splits) if name not in one.splits},
        {name: one.splits[name].pictures for name in sorted(one.splits) if name not in two.splits},
        tuple(s for s in splits if s.fields or s.pictures != NOTHING),
        tuple(changes(one.provenance, two.provenance)),
    )


def _split(
    name: str, before: Version, one: SplitEntry, after: Version, two: SplitEntry
) -> SplitDifference:
    own = [{"kind": s.kind, "recipe": s.recipe, "seed": s.seed} for s in (one, two)]
    pictures = NOTHING
    if one.content != two.content:  # which covers label, slug and kind too
        pictures = picture_changes(before.pictures(one), after.pictures(two))
    return SplitDifference(
        name, one.pictures, two.pictures, tuple(changes(own[0], own[1])), pictures
    )
