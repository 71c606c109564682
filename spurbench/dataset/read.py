"""Reads a data set folder for scoring, checked against its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from spurbench.errors import UserError, unknown
from spurbench.files import sha256_file

from .manifest import Manifest, read_manifest


@dataclass(frozen=True)
class StoredPicture:
    """A picture of a split as stored: encoded bytes and where it belongs; ``sha256`` is that of the
    bytes, empty where it is not known before they are read."""

    data: bytes
    slug: str
    class_name: str
    label: int
    split: str
    index: int
    origin: str
    sha256: str

    def without_data(self) -> StoredPicture:
        """The same without its bytes."""
        return replace(self, data=b"")


@dataclass(frozen=True)
class DataSet:
    """An opened data set folder."""

    folder: Path
    manifest: Manifest

    def pictures(
        self,
        classes: list[str] | None = None,
        splits: list[str] | None = None,
        limit: int | None = None,
    ) -> Iterator[StoredPicture]:
        """Pictures in order of class, split and index: all, or those of some classes (slugs or
        names) and splits, and the first ``limit`` of each class and split. UserError as ``groups``."""
        for slug, split in self.groups(classes, splits):
            yield from islice(self._split(slug, split), limit)

    def groups(
        self, classes: list[str] | None = None, splits: list[str] | None = None
    ) -> list[tuple[str, str]]:
        """Slugs and splits that are there, ordered; UserError for a name that is not."""
        entries = self.manifest.classes
        slugs = list(entries) if classes is None else [self._slug(name) for name in classes]
        there = {split for entry in entries.values() for split in entry.splits}
        for split in splits or []:
            if split not in there:
                raise unknown("split of the data set", split, there)
        return [
            (slug, split)
            for slug in dict.fromkeys(slugs)
            for split in sorted(entries[slug].splits)
            if splits is None or split in splits
        ]

    def _slug(self, name: str) -> str:
        for slug, entry in self.manifest.classes.items():
            if name in (slug, entry.name):
                return slug
        raise unknown("class of the data set", name, self.manifest.classes)

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


def open_data_set(folder: str | Path) -> DataSet:
    """Open a data set folder, as `spurbench build` and `spurbench import-si` write it.

    Every split's SHA-256 is compared with the manifest's. Raises UserError where the folder holds
    no data set, or a split is missing or altered.
    """
    folder = Path(folder)
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
