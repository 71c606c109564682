"""ImageNet's validation pictures in the layouts people keep them in; only needed classes are read."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

from spurbench.dataset.hub import is_hub_id
from spurbench.dataset.read import StoredPicture
from spurbench.errors import UserError, short
from spurbench.files import sha256_bytes, sha256_file, sha256_json
from spurbench.pictures import is_picture_name, picture_files
from spurbench.reading import (
    files_below,
    is_file,
    is_folder,
    members,
    read_bytes,
    read_csv,
    read_text,
    real,
    storable,
)
from spurbench.results import ValidationRecord

from .streamed import open_stream
from .wnids import WNID, wnids

NAME = "imagenet-val"  # of pictures in a folder, whatever that is called
SOLUTION = "LOC_val_solution.csv"
LEVELS_UP = 4  # Kaggle keeps its pictures in ILSVRC/Data/CLS-LOC/val below its solution file


@dataclass(frozen=True)
class Validation:
    """Validation pictures; ``counts`` has their number by label. The pictures have no slug or class
    name yet."""

    record: ValidationRecord
    counts: dict[int, int]
    pictures: Callable[[], Iterator[StoredPicture]]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


def find_validation(where: Path | str, labels: set[int], limit: int | None = None) -> Validation:
    """Validation pictures of some ImageNet-1k labels, the first ``limit`` of each.

    ``where`` is a folder with one folder a wnid (torchvision's layout), Kaggle's flat folder with
    LOC_val_solution.csv in it or above it, or a data set with the columns image and label: a
    folder, or a hub id, which is streamed. Of a data set its validation split is taken, or the one
    that ``:SPLIT`` at the end names. UserError where it is none of these, or lacks a class.
    """
    path = Path(where)
    if not is_folder(path):
        bare, _, split = str(where).partition(":")
        if not path.exists() and (is_hub_id(bare) or (split and is_folder(Path(bare)))):
            return _streamed(bare, split, labels, limit)
        raise UserError(f"{where}: no such folder of validation pictures")
    by_wnid = _by_wnid(path, labels)
    if by_wnid is not None:
        return _from_files(path, "torchvision", by_wnid, labels, limit)
    solution = _solution_of(path)
    if solution is not None:
        files = _by_solution(solution, path, labels)
        return _from_files(path, "kaggle", files, labels, limit)
    if files_below(path, lambda name: name.endswith((".parquet", ".arrow"))):
        return _streamed(str(where), "", labels, limit)
    raise UserError(
        f"{path}: not ImageNet's validation pictures: no folders named by wnid (n01440764), no "
        f"{SOLUTION} in it or above it, no parquet files"
    )


def _by_wnid(path: Path, labels: set[int]) -> dict[int, list[Path]] | None:
    """Files by label; None where no folder is named by a wnid, here or in ``val`` below."""
    for root in (path, path / "val", path / "validation"):
        if is_folder(root) and any(WNID.fullmatch(p.name) for p in members(root) if is_folder(p)):
            names = wnids()
            return {
                label: picture_files(root / names[label])
                for label in sorted(labels)
                if is_folder(root / names[label])
            }
    return None


def _solution_of(path: Path) -> Path | None:
    above = [path, *real(path).parents][: LEVELS_UP + 1]
    return next((p / SOLUTION for p in above if is_file(p / SOLUTION)), None)


def _by_solution(solution: Path, path: Path, labels: set[int]) -> dict[int, list[Path]]:
    """Files by label from lines ``ILSVRC2012_val_00000001,n01751748 111 108 230 366``."""
    label_of = {wnid: label for label, wnid in enumerate(wnids())}
    said: dict[str, int] = {}
    rows = read_csv(read_text(solution), solution, ("ImageId", "PredictionString"))
    for number, row in enumerate(rows, start=2):
        wnid = row["PredictionString"].partition(" ")[0]
        if wnid not in label_of:
            raise UserError(f"{solution}, line {number}: {short(wnid)} is no class of ImageNet")
        if row["ImageId"] in said:
            raise UserError(f"{solution}, line {number}: says {short(row['ImageId'])} again")
        said[row["ImageId"]] = label_of[wnid]
    files: dict[int, list[Path]] = defaultdict(list)
    seen: dict[str, Path] = {}
    for picture in files_below(path, is_picture_name):
        label = said.get(picture.stem, -1)
        if label not in labels:
            continue
        other = seen.setdefault(picture.stem, picture)
        if other != picture:
            raise UserError(f"{other} and {picture} are both {picture.stem}; remove one of them")
        files[label].append(picture)
    return dict(files)


def _from_files(
    root: Path, layout: str, files: dict[int, list[Path]], labels: set[int], limit: int | None
) -> Validation:
    lacking = sorted(label for label in labels if not files.get(label))
    if lacking:
        names = wnids()
        shown = ", ".join(f"{names[label]} (label {label})" for label in lacking[:3])
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise UserError(f"{root}: has no validation pictures for {shown}{more}")
    chosen = {label: paths[:limit] for label, paths in sorted(files.items())}
    hashes = {p: sha256_file(p) for paths in chosen.values() for p in paths}
    fingerprint = _fingerprint((label, hashes[p]) for label in chosen for p in chosen[label])

    def pictures() -> Iterator[StoredPicture]:
        for label, paths in chosen.items():
            for i, p in enumerate(paths):
                origin = storable(p.relative_to(root).as_posix())
                yield StoredPicture(read_bytes(p), "", "", label, "val", i, origin, hashes[p])

    record = ValidationRecord(name=NAME, layout=layout, fingerprint=fingerprint)
    return Validation(record, {label: len(paths) for label, paths in chosen.items()}, pictures)


def _fingerprint(pictures: Iterable[tuple[int, str]]) -> str:
    """SHA-256 over the pictures' labels and hashes: wherever they lie, in whatever layout and order."""
    return sha256_json(sorted(pictures))


class Aside:
    """Bytes put aside, in a file without a name that goes with the process, whatever ends it."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115  # closed by __del__

    def __del__(self) -> None:
        self._file.close()

    def put(self, data: bytes) -> int:
        """Keep the bytes; where they begin."""
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(len(data).to_bytes(8, "big") + data)
        return start

    def get(self, start: int) -> bytes:
        """The bytes that begin there."""
        self._file.seek(start)
        return self._file.read(int.from_bytes(self._file.read(8), "big"))


def _streamed(where: str, wanted: str, labels: set[int], limit: int | None) -> Validation:
    """A data set of Hugging Face's kind, read as a stream once; pictures stay encoded.

    The fingerprint is that of the pictures, so all are read before the first is shown.
    """
    stream, aside = open_stream(where, wanted), Aside()
    seen: Counter[int] = Counter()
    kept: list[tuple[StoredPicture, int]] = []  # without bytes, and where those begin
    for label, data, origin in stream.rows():
        if label in labels and not (limit and seen[label] >= limit):
            name, index = Path(origin).name, seen[label]
            item = StoredPicture(b"", "", "", label, "val", index, name, sha256_bytes(data))
            kept.append((item, aside.put(data)))
            seen[label] += 1
        if limit and len(seen) == len(labels) and min(seen.values()) >= limit:
            break
    lacking = sorted(labels - set(seen))
    if lacking:
        raise UserError(f"{where}: has no validation pictures for label {lacking[0]}")

    def pictures() -> Iterator[StoredPicture]:
        for item, start in kept:
            yield replace(item, data=aside.get(start))

    record = ValidationRecord(
        name=NAME if Path(where).is_dir() else stream.name,
        layout="hf",
        fingerprint=_fingerprint((item.label, item.sha256) for item, _ in kept),
        split=stream.split,
        revision=stream.revision,
    )
    return Validation(record, dict(seen), pictures)
