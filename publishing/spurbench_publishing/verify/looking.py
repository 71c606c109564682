"""Rows and pictures of a split: read, hashed and decoded, a few in memory at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.parallel import cores, ordered_map
from spurbench.pictures import read_rgb
from spurbench.prediction import centre_square, framed
from spurbench.reading import why

from .columns import usable
from .context import Looked, Split
from .report import Finding

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

BATCH = 16
AHEAD = 16


@dataclass
class References:
    """The pictures that a class's model was trained on, framed as training frames them."""

    pictures: list[tuple[str, bytes]] = field(default_factory=list)
    _framed: dict[int, list[tuple[str, np.ndarray]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def distances(self, image: Image.Image) -> dict[str, float]:
        """Root mean square distance (pixels in [0, 1]) to each reference by its origin; none for a
        picture that is not square, as none is made."""
        if not self.pictures or image.width != image.height:
            return {}
        pixels = _values(image)
        return {
            origin: float(np.sqrt(np.mean((reference - pixels) ** 2, dtype=np.float64)))
            for origin, reference in self._at(image.width)
        }

    def _at(self, size: int) -> list[tuple[str, np.ndarray]]:
        with self._lock:
            if size not in self._framed:
                self._framed[size] = [
                    (origin, _values(image))
                    for origin, data in self.pictures
                    if (image := _square(data, size)) is not None
                ]
            return self._framed[size]


def _square(data: bytes, size: int) -> Image.Image | None:
    try:
        image = read_rgb(data)
        return image if image.size == (size, size) else framed(image, centre_square(size))
    except UserError:  # which is a finding of the split that it lies in
        return None


def _values(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float32) / 255  # (H, W, 3)


def pictures_of(
    path: Path, file: str, split: Split, references: References, findings: list[Finding]
) -> Iterator[Looked]:
    """Every row of a split's file with what is seen of its picture, in order; what is wrong with the
    file itself goes to ``findings``. Training references are kept in ``references``, which generated
    pictures are compared with."""
    measured = split.entry.kind == "generated"

    def look(row: dict[str, Any]) -> Looked:
        return _looked(file, row, references if measured else None)

    rows = _rows(path, file, split, references, findings)
    with closing(ordered_map(look, rows, cores(), AHEAD)) as looked:
        yield from looked


def _rows(
    path: Path, file: str, split: Split, references: References, findings: list[Finding]
) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    try:
        opened = _opened(path)
        names = usable(opened.schema_arrow, split, file, findings)
        for batch in opened.iter_batches(batch_size=BATCH, columns=names, use_threads=False):
            batch.validate(full=True)
            for row in batch.to_pylist():
                _keep(row, split, references)
                yield row
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        findings.append(Finding("file-unreadable", split.place(file), why(error)))


def _opened(path: Path) -> ParquetFile:
    from pyarrow import parquet

    return parquet.ParquetFile(path.absolute(), pre_buffer=False)


def _keep(row: dict[str, Any], split: Split, references: References) -> None:
    data = (row.get("image") or {}).get("bytes")
    if split.entry.kind == "si" and row.get("is_training_reference") and data is not None:
        references.pictures.append((row.get("origin") or "", data))


def _looked(file: str, row: dict[str, Any], references: References | None) -> Looked:
    """The row without its bytes, and what they show."""
    data = (row.pop("image", None) or {}).get("bytes")
    if data is None:
        return Looked(file, row, None, problem="it has no bytes")
    sha256 = sha256_bytes(data)
    try:
        image = read_rgb(data, "it")
    except UserError as error:
        return Looked(
            file, row, sha256, problem=str(error).removeprefix("it: ").rpartition("; ")[0]
        )
    whole = np.asarray(image)
    said = f"{image.width} x {image.height} ".encode()
    digest = hashlib.sha256(said + whole.tobytes()).digest()[:16]
    flat = bool(whole.std(axis=(0, 1), dtype=np.float64).max() < 1.0)
    apart = references.distances(image) if references else {}
    nearest = min(apart.items(), key=lambda one: (one[1], one[0]), default=None)
    named = apart.get(row.get("nearest_reference") or "")
    return Looked(file, row, sha256, digest, flat, nearest, named)
