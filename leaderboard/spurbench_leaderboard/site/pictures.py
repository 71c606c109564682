"""Pictures of a data set as files small enough for a page of many."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image

from spurbench.dataset.read import DataSet
from spurbench.errors import UserError
from spurbench.pictures import read_rgb

EDGE, QUALITY = 192, 80
"""Longer edge in pixels, and WebP's quality."""


@dataclass(frozen=True)
class Thumbnail:
    """A picture's place below the site, and its bytes; none where it cannot be decoded."""

    split: str
    index: int
    place: PurePosixPath
    data: bytes


def thumbnails(data: DataSet, slug: str) -> Iterator[Thumbnail]:
    """Those of a class, split by split, in the order of their indices."""
    for picture in data.pictures([slug]):
        name = f"{picture.split}-{picture.index}.webp"
        place = PurePosixPath("pictures", data.manifest.domain, data.manifest.version, slug, name)
        yield Thumbnail(picture.split, picture.index, place, _small(picture.data))


def _small(data: bytes) -> bytes:
    try:
        image = read_rgb(data)
    except UserError:
        return b""
    image.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()
