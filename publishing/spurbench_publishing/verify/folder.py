"""Checks of the files of a data set folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from spurbench.dataset.manifest import NAME, Manifest
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench.pictures import read_rgb
from spurbench.reading import is_file, storable, why

from .context import Split
from .report import Finding, Place

OWN = {NAME, "README.md", "croissant.json"}
USUAL = {"LICENSE", "LICENSE.txt", "CITATION.cff"}
"""Files that a repository may have beside a data set."""


def file_whole(folder: Path, split: Split, file: str, sha256: str) -> Iterator[Finding]:
    """Whether a split's file is there, unaltered, and where the card's configs find it."""
    place, path = split.place(file), folder / file
    if not fnmatchcase(file, f"data/{split.slug}/{split.name}-*.parquet"):
        what = f"not data/{split.slug}/{split.name}-*.parquet"
        yield Finding("file-elsewhere", place, what)
    try:
        if not is_file(path):
            yield Finding("file-missing", place, "no such file")
            return
        found = sha256_file(path)
    except (OSError, UserError) as error:
        yield Finding("file-unreadable", place, why(error))
        return
    if found != sha256:
        yield Finding("file-altered", place, f"{found[:12]}..., not {sha256[:12]}...")


def named_twice(manifest: Manifest) -> Iterator[Finding]:
    """Files that splits share."""
    times = Counter(
        file.path
        for entry in manifest.classes.values()
        for split in entry.splits.values()
        for file in split.files
    )
    for file, count in times.items():
        if count > 1:
            yield Finding("file-twice", Place(file=file), f"{count} times")


def strangers(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Files that the manifest does not name; what systems and tools hide is left alone."""
    named = {
        file.path
        for entry in manifest.classes.values()
        for split in entry.splits.values()
        for file in split.files
    }
    for name in _files(folder):
        if name in named or name in OWN or name in USUAL:
            continue
        place, stem = Place(file=storable(name)), Path(name)
        if name.startswith("contact/") and name.endswith(".png"):
            yield from _sheet(folder, name, manifest)
        elif stem.suffix == ".py":
            yield Finding("file-script", place, "datasets takes it for a loading script")
        elif stem.suffix == ".parquet":
            yield Finding("file-unnamed", place, "`load_dataset` may read it")
        else:
            yield Finding("file-other", place, "")


def _sheet(folder: Path, name: str, manifest: Manifest) -> Iterator[Finding]:
    place = Place(file=storable(name))
    if Path(name).stem not in manifest.classes:
        yield Finding("sheet-unnamed", place, "")
    try:
        read_rgb(folder / name, "it")
    except UserError as error:
        yield Finding("sheet-unreadable", place, str(error))


def _files(folder: Path) -> Iterator[str]:
    """Every file below a folder, relative to it; none that begins with a dot, nor below a folder
    that does."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield (Path(place) / name).relative_to(folder).as_posix()
