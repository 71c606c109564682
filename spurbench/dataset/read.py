"""Reads a data set folder for scoring, checked against its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spurbench.errors import UserError, unknown
from spurbench.files import sha256_file

from .manifest import Manifest, read_manifest


@dataclass(frozen=True)
class StoredPicture:
    """A picture of a split as stored: encoded bytes and where it belongs."""

    data: bytes
    slug: str
    class_name: str
    label: int
    split: str
    index: int
    origin: str
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """An opened data set folder."""

    folder: Path
    manifest: Manifest

    def pictures(self, classes: list[str] | None = None) -> Iterator[StoredPicture]:
        """Every picture, in order of class, split and index."""
        for slug in classes or list(self.manifest.classes):
            if slug not in self.manifest.classes:
                raise unknown("class of the data set", slug, self.manifest.classes)
            entry = self.manifest.classes[slug]
            for split in sorted(entry.splits):
                yield from self._split(slug, split)

    def count(self) -> int:
        """Number of pictures in all splits."""
        return sum(s.pictures for e in self.manifest.classes.values() for s in e.splits.values())

    def _split(self, slug: str, split: str) -> Iterator[StoredPicture]:
        from pyarrow import parquet

        entry = self.manifest.classes[slug]
        names = ["image", "index", "origin", "sha256"]
        file = self.folder / entry.splits[split].path
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=64, columns=names):
            for row in batch.to_pylist():
                yield _stored(row, slug, entry.name, entry.label, split)


def open_data_set(folder: Path) -> DataSet:
    """Open a folder; UserError where it is none, or a split is missing or altered."""
    manifest = read_manifest(folder)
    for entry in manifest.classes.values():
        for split in entry.splits.values():
            path = folder / split.path
            if not path.is_file():
                raise UserError(f"{path}: missing; run the build again, or remove the data set")
            if sha256_file(path) != split.sha256:
                raise UserError(
                    f"{path}: differs from what manifest.json records; rebuild the data set"
                )
    return DataSet(folder, manifest)


def _stored(row: dict[str, Any], slug: str, name: str, label: int, split: str) -> StoredPicture:
    return StoredPicture(
        row["image"]["bytes"], slug, name, label, split, row["index"], row["origin"], row["sha256"]
    )
