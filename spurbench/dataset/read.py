"""Reads a data set folder for scoring, checked against its manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spurbench.errors import UserError, unknown
from spurbench.files import sha256_file
from spurbench.reading import is_file

from .content import content_of, opened, read_rows, unreadable
from .frame import Placed, by_picture, by_prediction
from .manifest import ClassEntry, FileEntry, Manifest, read_manifest
from .rows import check_picture, stored_rows
from .samples import Sample, torch_dataset
from .schema import UNKNOWN, Credit, Row

if TYPE_CHECKING:
    from pandas import DataFrame
    from torch.utils.data import Dataset


@dataclass(frozen=True)
class StoredPicture:
    """A picture of a split as stored: encoded bytes and where it belongs.

    ``sha256`` is that of the bytes, empty where it is not known before they are read; ``kind`` that
    of the split (`si`, `generated` or `val`), the split's name unless another is given.
    """

    data: bytes
    slug: str
    class_name: str
    label: int
    split: str
    index: int
    origin: str
    sha256: str
    kind: str = ""
    credit: Credit = UNKNOWN

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.split)

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
        slugs = list(entries) if classes is None else [s for n in classes for s in self._slugs(n)]
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

    def _slugs(self, name: str) -> list[str]:
        """The class of that slug, or those of that name: one a feature."""
        entries = self.manifest.classes
        if name in entries:
            return [name]
        named = [slug for slug, entry in entries.items() if entry.name == name]
        if not named:
            raise unknown("class of the data set", name, entries)
        return named

    def rows(self, slug: str, split: str, *, data: bool = True) -> Iterator[Row]:
        """Everything that is stored of a split's pictures, in order, each picture's bytes compared
        with their hash; without ``data`` they are not read, and empty."""
        for file in self.manifest.classes[slug].splits[split].files:
            yield from stored_rows(self.folder / file.path, data=data)

    def torch(
        self,
        transform: Callable[[Any], Any] | None = None,
        classes: list[str] | None = None,
        splits: list[str] | None = None,
    ) -> Dataset[tuple[Any, int]]:
        """A map-style ``torch.utils.data.Dataset`` of (picture, label), in the order of ``pictures``.

        ``transform`` takes the RGB PIL picture and gives what is to be handed out, such as a
        tensor; without one it is the PIL picture. The label is the domain's. Pictures are read and
        decoded when they are asked for, and their bytes compared with their SHA-256; ``samples``
        says of each number where the picture lies. It can be sent to workers, also spawned ones,
        if the transform can. UserError for names as ``groups``, and for a picture that is altered.
        """
        found = [
            sample
            for slug, split in self.groups(classes, splits)
            for sample in self._samples(slug, split)
        ]
        return torch_dataset(found, transform)

    def to_pandas(
        self,
        by: Literal["picture", "prediction"] = "picture",
        classes: list[str] | None = None,
        splits: list[str] | None = None,
    ) -> DataFrame:
        """All columns but the pictures' bytes, with the class's slug and the split's name before
        them, in the order of ``pictures``.

        By ``picture`` a row is one, with the columns ``predicted.MODEL`` (top-1 label) and
        ``probability.MODEL`` (of the class, in [0, 1]) of each panel member. By ``prediction`` a row
        is what one member said of one picture: ``model``, ``predicted``, ``probability``. UserError
        for names as ``groups``.
        """
        if by not in ("picture", "prediction"):
            raise unknown("kind of row", by, ["picture", "prediction"])
        placed: list[Placed] = [
            (slug, split, row)
            for slug, split in self.groups(classes, splits)
            for row in self.rows(slug, split, data=False)
        ]
        return by_picture(placed) if by == "picture" else by_prediction(placed)

    def count(self) -> int:
        """Number of pictures in all splits."""
        return sum(s.pictures for e in self.manifest.classes.values() for s in e.splits.values())

    def _samples(self, slug: str, split: str) -> Iterator[Sample]:
        entry = self.manifest.classes[slug]
        for file in entry.splits[split].files:
            path = (self.folder / file.path).absolute()  # workers may be elsewhere
            for row, (index, sha256) in enumerate(read_rows([path]).pictures):
                yield Sample(path, row, slug, entry.label, split, index, sha256)

    def _split(self, slug: str, split: str) -> Iterator[StoredPicture]:
        entry = self.manifest.classes[slug]
        for file in entry.splits[split].files:
            yield from _pictures(self.folder / file.path, slug, entry, split)


def open_data_set(folder: str | Path) -> DataSet:
    """Open a data set folder, as `spurbench build` and `spurbench import-si` write it.

    Every file's SHA-256 is compared with the manifest's, and so are the labels and hashes of its
    rows; a picture's bytes are compared with its hash when it is read. Raises UserError where the
    folder holds no data set, or a file is missing or altered.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    for slug, entry in manifest.classes.items():
        check_class(folder, slug, entry)
    return DataSet(folder, manifest)


def check_class(folder: Path, slug: str, entry: ClassEntry) -> None:
    """UserError unless the folder's files hold what the manifest's entry of the class says."""
    for name, split in entry.splits.items():
        check_split(folder, slug, entry, name, split.files)


def check_split(
    folder: Path, slug: str, entry: ClassEntry, name: str, files: Sequence[FileEntry]
) -> None:
    """As check_class, for the first ``files`` of a split; its content is known of all of them alone."""
    for file in files:
        _check_bytes(folder / file.path, file.sha256)
    _check_rows(folder, slug, entry, name, files)


def _check_bytes(path: Path, sha256: str) -> None:
    if not is_file(path):
        raise UserError(f"{path}: missing; run the build again, or remove the data set")
    try:
        found = sha256_file(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if found != sha256:
        raise UserError(f"{path}: differs from what manifest.json records; rebuild the data set")


def _check_rows(
    folder: Path, slug: str, entry: ClassEntry, name: str, files: Sequence[FileEntry]
) -> None:
    split = entry.splits[name]
    rows = read_rows([folder / file.path for file in files])
    told = [
        ("label", rows.labels, entry.label),
        ("class name", rows.names, entry.name),
        ("kind", rows.kinds, split.kind),
    ]
    for what, found, said in told:
        for other in sorted(found - {said}, key=str)[:1]:
            raise UserError(
                f"{folder}: manifest.json gives {slug}/{name} the {what} {said!r}, but its pictures "
                f"have {other!r}; rebuild the data set"
            )
    indices = [index for index, _ in rows.pictures]
    content = content_of(entry.label, slug, name, split.kind, rows.pictures)
    same = content == split.content or len(files) < len(split.files)
    counted = rows.counts == tuple(file.pictures for file in files)
    if not same or not counted or indices != sorted(set(indices)):
        raise UserError(
            f"{folder}: the pictures of {slug}/{name} are not those that manifest.json records; "
            "rebuild the data set"
        )


def _pictures(file: Path, slug: str, entry: ClassEntry, split: str) -> Iterator[StoredPicture]:
    for row in _rows(file):
        stored = (row["image"] or {}).get("bytes")
        data = check_picture(file, row["index"], stored, row["sha256"])
        yield StoredPicture(
            data,
            slug,
            entry.name,
            entry.label,
            split,
            row["index"],
            row["origin"] or "",
            row["sha256"],
            entry.splits[split].kind,
            Credit(*(row.get(field.name) for field in fields(Credit))),
        )


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    """Rows of a split's file, a few in memory at a time; files of version 1 lack some columns."""
    import pyarrow as pa

    wanted = ["image", "index", "origin", "sha256", *(field.name for field in fields(Credit))]
    try:
        found = opened(file)
        there = [name for name in wanted if name in found.schema_arrow.names]
        for batch in found.iter_batches(batch_size=64, columns=there):
            yield from batch.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise unreadable(file, error) from error
