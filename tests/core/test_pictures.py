"""Pictures of every usual kind become RGB; broken ones are named."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spurbench.errors import UserError
from spurbench.pictures import png_bytes, read_folder, read_rgb
from tests.conftest import picture


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_png_round_trip_keeps_pixels() -> None:
    image = picture(1, (13, 7))
    again = read_rgb(png_bytes(image))
    assert again.tobytes() == image.tobytes()
    assert png_bytes(image) == png_bytes(again)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "LA", "1"])
def test_other_modes_become_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = read_rgb(encoded(picture(2).convert(mode), kind))
    assert image.mode == "RGB" and image.size == (8, 8)


def test_transparent_pixels_become_white() -> None:
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    assert np.asarray(read_rgb(encoded(image, "PNG"))).tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_sixteen_bit_grey_is_scaled() -> None:
    values = np.array([[0, 200, 65535]], dtype=np.uint16)
    for part in (values, values[:, :2]):
        pixels = np.asarray(read_rgb(encoded(Image.fromarray(part), "PNG")))
        assert pixels[0, :, 0].tolist() == [0, 0, 255][: part.shape[1]]


def test_exif_turn_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_rgb(encoded(picture(3, (8, 4)), "JPEG", exif=exif)).size == (4, 8)


def test_truncated_unreadable_and_huge_pictures_are_named(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(encoded(picture(4, (64, 64)), "JPEG")[:-200])
    text = tmp_path / "text.png"
    text.write_text("no picture")
    huge = tmp_path / "huge.png"
    huge.write_bytes(encoded(Image.new("1", (12_000, 12_000)), "PNG"))
    for path in (cut, text, huge):
        with pytest.raises(UserError, match=path.name):
            read_rgb(path)


def test_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no pictures"):
        list(read_folder(tmp_path))
