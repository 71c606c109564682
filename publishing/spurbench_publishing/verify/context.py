"""What the checks of a split look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spurbench.dataset.manifest import ClassEntry, SplitEntry

from .report import Finding, Place


@dataclass(frozen=True)
class Split:
    """A split of a class, as the manifest has it."""

    slug: str
    name: str
    of: ClassEntry
    entry: SplitEntry

    def place(self, file: str = "", index: int | None = None) -> Place:
        """A place in the split."""
        return Place(self.slug, self.name, file, index)

    @property
    def built(self) -> bool:
        """Whether `spurbench build` made the class: its recipe is recorded in full."""
        return isinstance(self.of.provenance.get("recipe"), dict)

    @property
    def of_one_build(self) -> bool:
        """Whether one build made the whole class: what the manifest records of its making is then of
        this split too. Of several splits of generated pictures each has a build of its own."""
        kinds = [split.kind for split in self.of.splits.values()]
        return self.built and kinds.count("generated") <= 1


@dataclass(frozen=True)
class Looked:
    """A row without its picture, and what was seen of the picture: SHA-256 of its bytes, digest of its
    pixels (None where it cannot be decoded), whether it is degenerate, and the origin and root mean
    square distance of the training reference that looks most alike (None where there is none), and the
    distance of the one that the row names."""

    file: str
    row: dict[str, Any]
    sha256: str | None
    pixels: bytes | None = None
    degenerate: bool | None = None
    nearest: tuple[str, float] | None = None
    named: float | None = None
    problem: str = ""

    @property
    def index(self) -> int | None:
        """The picture's index in its split, where it has one."""
        found = self.row.get("index")
        return found if isinstance(found, int) else None


@dataclass(frozen=True)
class SplitSeen:
    """A split and all that was seen of it."""

    split: Split
    pictures: tuple[Looked, ...]

    def finding(self, kind: str, picture: Looked, what: str) -> Finding:
        """A finding about a picture."""
        return Finding(kind, self.split.place(picture.file, picture.index), what)
