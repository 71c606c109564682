"""What publishing a folder would do to a repository: files new, changed, as they were, and removed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spurbench.dataset.manifest import NAME, Manifest
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench.reading import is_file, members, read_bytes

CARD = "README.md"
BESIDE = ("CITATION.cff", "LICENSE", "LICENSE.md", "LICENSE.txt", "croissant.json")
"""What else belongs to a data set where it is there."""
HARMLESS = (".gitattributes", ".gitignore", CARD, *BESIDE)
"""What a repository may hold that holds no data set yet."""


@dataclass(frozen=True)
class LocalFile:
    """A file to publish: a small one's bytes as they were read, else its place and SHA-256."""

    size: int
    sha256: str
    source: Path | bytes

    def same_as(self, other: RemoteFile) -> bool:
        """Whether the repository holds the same bytes."""
        if self.size != other.size:
            return False
        return other.hash == (self.sha256 if other.large else self._git_hash())

    def _git_hash(self) -> str:
        data = self.source if isinstance(self.source, bytes) else read_bytes(self.source)
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository; ``hash`` is the SHA-256 of a large one, else git's name of it."""

    size: int
    hash: str
    large: bool


@dataclass(frozen=True)
class Plan:
    """Paths by what becomes of them, each sorted, and the bytes of those that are uploaded."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    bytes: int

    @property
    def uploaded(self) -> tuple[str, ...]:
        """Paths whose bytes are sent."""
        return tuple(sorted([*self.new, *self.changed]))

    @property
    def empty(self) -> bool:
        """Whether the repository holds it all already, and nothing else of a data set."""
        return not self.new and not self.changed and not self.removed


def local_files(folder: Path, manifest: Manifest) -> dict[str, LocalFile]:
    """What of a folder belongs to the data set, by its path there: card, manifest, the splits' files,
    contact sheets and what stands in BESIDE. UserError where the card is missing."""
    if not is_file(folder / CARD):
        raise UserError(f"{folder}: has no {CARD}; run the build again, which writes it")
    found = {name: _text(folder / name) for name in (CARD, NAME, *BESIDE) if is_file(folder / name)}
    for slug, entry in manifest.classes.items():
        for split in entry.splits.values():
            for file in split.files:
                path = folder / file.path
                found[file.path] = LocalFile(path.stat().st_size, file.sha256, path.absolute())
        sheet = folder / _sheet(slug)
        if is_file(sheet):
            size = sheet.stat().st_size
            found[_sheet(slug)] = LocalFile(size, sha256_file(sheet), sheet.absolute())
    return found


def left_out(folder: Path, files: Collection[str]) -> list[str]:
    """Names at the top of a folder that do not belong to the data set."""
    tops = {PurePosixPath(path).parts[0] for path in files} | {"contact", "data"}
    names = (path.name for path in members(folder))
    return [name for name in names if name not in tops and not name.startswith(".")]


def planned(
    local: Mapping[str, LocalFile], remote: Mapping[str, RemoteFile], slugs: Collection[str]
) -> Plan:
    """What publishing does to a repository whose data set has the classes ``slugs``. Pictures that
    are not among ours go, since the card's patterns would find them, and so do the contact sheets of
    classes that are gone; whatever else others put there stays."""
    new = [path for path in local if path not in remote]
    kept = [path for path in local if path in remote]
    changed = [path for path in kept if not local[path].same_as(remote[path])]
    stale = {_sheet(slug) for slug in slugs}
    removed = [p for p in remote if p not in local and (_is_pictures(p) or p in stale)]
    return Plan(
        tuple(sorted(new)),
        tuple(sorted(changed)),
        tuple(sorted(set(kept) - set(changed))),
        tuple(sorted(removed)),
        sum(local[path].size for path in [*new, *changed]),
    )


def foreign(remote: Collection[str]) -> list[str]:
    """Files of a repository without a manifest that say that it is used for something else."""
    return sorted(path for path in remote if path not in HARMLESS)


def _text(path: Path) -> LocalFile:
    data = read_bytes(path)
    return LocalFile(len(data), hashlib.sha256(data).hexdigest(), data)


def _sheet(slug: str) -> str:
    return f"contact/{slug}.png"


def _is_pictures(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) == 3 and parts[0] == "data" and path.endswith(".parquet")
