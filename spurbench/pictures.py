"""Reads pictures of any usual kind as RGB, and says plainly which ones cannot be read."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import (
    Image,
    ImageOps,
    TiffImagePlugin,  # noqa: F401 - Pillow makes a reader known when its module is loaded
    WebPImagePlugin,  # noqa: F401
)

from .errors import UserError
from .reading import is_file, is_folder, members, read_bytes, why

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
"""What is read, whatever a file is called: other readers of Pillow's start programs (EPS) or are of no
use for photographs."""


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB by one rule: EXIF turn applied, first frame, 16 bit scaled to 8, alpha over white."""
    image = ImageOps.exif_transpose(image)
    if image.mode in {"I", "I;16", "I;16B", "I;16L", "F"}:
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I;16") or values.max(initial=0) > 255 else 255.0
        image = Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if image.mode in {"P", "LA", "PA", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def read_rgb(source: Path | bytes, name: str = "") -> Image.Image:
    """Decode a file or bytes as RGB; UserError names a picture that is broken, cut or far too big.

    May be called from several threads at once.
    """
    name = name or str(source if isinstance(source, Path) else "picture")
    try:
        data = read_bytes(source) if isinstance(source, Path) else source
        with _opened(data) as image:
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
                raise Image.DecompressionBombError
            return to_rgb(image)
    except Image.DecompressionBombError as error:
        raise UserError(f"{name}: too many pixels to open safely; shrink it first") from error
    except UserError:
        raise
    except Exception as error:  # whatever broken or hostile bytes make Pillow's readers raise
        raise UserError(
            f"{name}: cannot be read as a picture ({_reason(error)}); replace or remove it"
        ) from error


_opening = threading.Lock()


def _opened(data: bytes) -> Image.Image:
    """The picture with its header read. The lock keeps threads out of one another's warning filters."""
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is strange in a header, and read all the same
        return Image.open(io.BytesIO(data), formats=FORMATS)


def is_picture_name(name: str) -> bool:
    """Whether a file of that name should hold a picture; what systems hide (``._0.png``) does not."""
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")


def picture_files(folder: Path) -> list[Path]:
    """Picture files directly in a folder, by name."""
    if not is_folder(folder):
        raise UserError(f"{folder}: no such folder")
    return [p for p in members(folder) if is_picture_name(p.name) and is_file(p)]


def read_folder(folder: Path) -> Iterator[tuple[Path, Image.Image]]:
    """Every picture directly in a folder, by name; an empty folder is an error."""
    files = picture_files(folder)
    if not files:
        raise UserError(f"{folder}: holds no pictures ({', '.join(sorted(SUFFIXES))})")
    for path in files:
        yield path, read_rgb(path)


def png_bytes(image: Image.Image) -> bytes:
    """The picture as PNG; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def _reason(error: Exception) -> str:
    return "not a known picture format" if "cannot identify" in str(error) else why(error)
