"""All checks of a data set, class by class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spurbench import plugins
from spurbench.dataset.hub import commit_of
from spurbench.dataset.manifest import (
    NAME,
    ClassEntry,
    Manifest,
    NewerError,
    read_manifest,
    schema_version,
)
from spurbench.dataset.schema import KINDS
from spurbench.errors import UserError
from spurbench.reading import is_file, is_folder

from .card import card
from .context import Looked, Split, SplitSeen
from .described import described, summary
from .duplicates import Seen
from .folder import file_whole, named_twice, strangers
from .licences import licences
from .looking import References, pictures_of
from .predictions import predictions
from .report import Finding, Place, Report, in_order
from .rows import against_manifest, how_made, pictures_whole, references

Told = Callable[[int, int], object]
"""Is told how many pictures of how many have been looked at."""


def verify(folder: Path, told: Told = lambda done, total: None, where: str = "") -> Report:
    """Check everything in a data set folder, and report all that is found. Pictures are in memory a few
    at a time, rows a class's. ``where`` is what the report calls the folder.

    Raises UserError where the folder holds no data set, or one of a later version.
    """
    where, commit = where or str(folder), commit_of(folder)
    try:
        manifest = read_manifest(folder)
    except UserError as error:
        if isinstance(error, NewerError) or not (is_folder(folder) and is_file(folder / NAME)):
            raise
        return Report(where, "", commit, 0, 0, (_unusable(folder, error),))
    looking = _Looking(folder, manifest, told)
    for slug, entry in manifest.classes.items():
        looking.at_class(slug, entry)
    findings = [*_whole(folder, manifest), *looking.findings, *looking.every.duplicates()]
    classes = len(manifest.classes)
    return Report(where, manifest.version, commit, classes, looking.done, in_order(findings))


def _unusable(folder: Path, error: UserError) -> Finding:
    said = str(error).removeprefix(f"{folder / NAME}: ").rpartition("; ")
    return Finding("manifest", Place(file=NAME), said[0] or said[2])


def _whole(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """What is to be checked once a data set."""
    yield from named_twice(manifest)
    yield from strangers(folder, manifest)
    yield from card(folder, manifest, older=schema_version(folder) == 1)
    yield from described(folder, manifest)
    yield from _labels(manifest)


def _labels(manifest: Manifest) -> Iterator[Finding]:
    """Labels against those that the domain has for classes of the name, where it is installed."""
    if manifest.domain not in plugins.find("domains"):
        return
    cards = {card.name: card.label for card in plugins.domain(manifest.domain).cards()}
    for slug, entry in manifest.classes.items():
        if cards.get(entry.name, entry.label) != entry.label:
            what = f"{entry.label}; {entry.name!r} is {cards[entry.name]} in {manifest.domain}"
            yield Finding("class-label", Place(slug, file=NAME), what)


@dataclass
class _Looking:
    """What has been seen and found so far."""

    folder: Path
    manifest: Manifest
    told: Told
    done: int = 0
    findings: list[Finding] = field(default_factory=list)
    every: Seen = field(default_factory=Seen)

    def at_class(self, slug: str, entry: ClassEntry) -> None:
        """Check a class: its references first, which generated pictures are compared with."""
        trained_on = References()
        names = sorted(entry.splits, key=lambda name: (KINDS.index(entry.splits[name].kind), name))
        for name in names:
            split = Split(slug, name, entry, entry.splits[name])
            seen = SplitSeen(split, tuple(self._pictures(split, trained_on)))
            self.findings += self._of_split(seen, trained_on)
            self.every.add(seen)

    def _pictures(self, split: Split, trained_on: References) -> Iterator[Looked]:
        total = sum(s.pictures for e in self.manifest.classes.values() for s in e.splits.values())
        for file in split.entry.files:
            found = [*file_whole(self.folder, split, file.path, file.sha256)]
            self.findings += found
            if any(finding.kind in ("file-missing", "file-unreadable") for finding in found):
                continue
            path = self.folder / file.path
            for picture in pictures_of(path, file.path, split, trained_on, self.findings):
                yield picture
                self.done += 1
                self.told(self.done, total)

    def _of_split(self, seen: SplitSeen, trained_on: References) -> Iterator[Finding]:
        origins = frozenset(origin for origin, _ in trained_on.pictures)
        yield from against_manifest(seen)
        yield from pictures_whole(seen)
        yield from how_made(seen)
        yield from references(seen, origins)
        yield from predictions(seen)
        yield from licences(seen, self.manifest.domain)
        yield from summary(seen)
