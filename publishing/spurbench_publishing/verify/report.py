"""Findings, and the report that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .kinds import KINDS


@dataclass(frozen=True)
class Place:
    """Where something was found; what does not apply is empty. ``file`` is relative to the data set
    folder, ``index`` the picture's in its split."""

    slug: str = ""
    split: str = ""
    file: str = ""
    index: int | None = None

    def __str__(self) -> str:
        where = "/".join(part for part in (self.slug, self.split) if part)
        picture = "" if self.index is None else f"picture {self.index}"
        return ", ".join(part for part in (where, picture, self.file) if part) or "the data set"


@dataclass(frozen=True)
class Finding:
    """Something that was found: its kind (a name of ``KINDS``), where, and the particulars."""

    kind: str
    place: Place
    what: str

    @property
    def severity(self) -> str:
        """``fault`` or ``note``."""
        return KINDS[self.kind].severity

    def as_data(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        found, place = KINDS[self.kind], self.place
        return {
            "severity": found.severity,
            "kind": self.kind,
            "title": found.title,
            "what": self.what,
            "class": place.slug or None,
            "split": place.split or None,
            "file": place.file or None,
            "index": place.index,
            "way_out": found.way_out,
        }


@dataclass(frozen=True)
class Report:
    """What became of a data set's checks; ``version`` is empty where the manifest cannot be used,
    ``commit`` that of a snapshot of the hub."""

    where: str
    version: str
    commit: str | None
    classes: int
    pictures: int
    findings: tuple[Finding, ...]

    def count(self, severity: str) -> int:
        """How many findings are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def sound(self) -> bool:
        """Whether nothing is at fault."""
        return self.count("fault") == 0

    def as_data(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "where": self.where,
            "version": self.version or None,
            "commit": self.commit,
            "classes": self.classes,
            "pictures": self.pictures,
            "sound": self.sound,
            "faults": self.count("fault"),
            "notes": self.count("note"),
            "findings": [finding.as_data() for finding in self.findings],
        }


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Faults before notes, kinds as the table has them, then by place."""
    order = {kind: i for i, kind in enumerate(KINDS)}

    def key(finding: Finding) -> tuple[Any, ...]:
        place = finding.place
        index = -1 if place.index is None else place.index
        severity = finding.severity != "fault"
        where = (place.slug, place.split, place.file, index)
        return severity, order[finding.kind], *where, finding.what

    return tuple(sorted(findings, key=key))
