"""Small pictures as data URIs of a bounded size."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from spurbench.errors import UserError
from spurbench.pictures import read_rgb
from spurbench.printing import one_line

EDGES = (256, 192, 128, 64)
"""Longer edges in pixels that are tried, the largest first."""
MOST_BYTES = 16 << 10
QUALITY, METHOD = 80, 4


@dataclass(frozen=True)
class Thumbnail:
    """A data URI of a WebP of at most MOST_BYTES, with its width and height in pixels; empty where the
    picture cannot be decoded (``why``)."""

    uri: str
    width: int
    height: int
    why: str = ""


def thumbnail(data: bytes) -> Thumbnail:
    """A picture made small; the same bytes give the same URI, with one version of Pillow."""
    try:
        image = read_rgb(data)
    except UserError as error:
        return Thumbnail("", 1, 1, one_line(error))
    for edge in EDGES:
        small = image.copy()
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=QUALITY, method=METHOD)
        if buffer.tell() <= MOST_BYTES:
            break
    packed = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/webp;base64,{packed}", *small.size)
