"""Pictures as data URIs of a bounded size."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from spurbench.dataset.schema import ending
from spurbench.errors import UserError
from spurbench.pictures import read_rgb
from spurbench.printing import one_line

PICTURES_BYTES = 12 << 20
"""What a page's pictures may take together, as text in it."""
MOST_PICTURES = 1000
"""On a page: more would have too few bytes each to be looked at."""
SHOWN_AS_THEY_ARE = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
EDGES = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32, 16)
"""Longer edges that a picture is reduced to, the largest first."""
QUALITY, METHOD = 82, 2
"""Of WebP; a slower method makes pictures 5 % smaller in twice the time."""


@dataclass(frozen=True)
class Embedded:
    """A picture for a page: a data URI, empty where it cannot be decoded (``why``); its own width and
    height in pixels; whether the URI holds fewer pixels or other bytes than the data set."""

    uri: str
    width: int
    height: int
    reduced: bool
    why: str = ""


def share_of(count: int) -> int:
    """Bytes that each of ``count`` pictures of a page may have: in base64, all take PICTURES_BYTES."""
    return PICTURES_BYTES // max(count, 1) * 3 // 4


def embedded(data: bytes, share: int) -> Embedded:
    """A picture's own bytes where they are no more than its share and browsers show them; else the
    largest WebP of it that is. The same bytes and share give the same URI."""
    try:
        image = read_rgb(data)
    except UserError as error:
        return Embedded("", 1, 1, reduced=True, why=one_line(error))
    kind = SHOWN_AS_THEY_ARE.get(ending(data))
    if kind and len(data) <= share:
        return Embedded(_uri(kind, data), *image.size, reduced=False)
    return Embedded(_uri("image/webp", _reduced(image, share)), *image.size, reduced=True)


def _reduced(image: Image.Image, share: int) -> bytes:
    longest = max(image.size)
    for edge in (min(longest, EDGES[0]), *(edge for edge in EDGES[1:] if edge < longest)):
        small = image.copy()
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=QUALITY, method=METHOD)
        if buffer.tell() <= share:
            break
    return buffer.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
