"""Pictures of every usual kind become RGB; broken ones are named."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (4, 4), (200 * i, 0, 0)) for i in range(3)]
    for kind in ("GIF", "PNG", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **LOSSLESS[kind])
        assert np.asarray(read_rgb(data)).max() == 0, kind


LOSSLESS: dict[str, dict[str, object]] = {"GIF": {}, "PNG": {}, "WEBP": {"lossless": True}}


def test_sixteen_bit_colour_and_grey_with_alpha() -> None:
    """Written by hand, as Pillow writes neither: one pixel of 0x8000 each, half transparent."""
    for kind, channels in ((2, 3), (4, 2)):
        alpha_like = struct.pack(f">{channels}H", *([0x8000] * channels))
        header = struct.pack(">IIBBBBB", 1, 1, 16, kind, 0, 0, 0)
        data = b"\x89PNG\r\n\x1a\n" + b"".join(
            _chunk(name, body)
            for name, body in (
                (b"IHDR", header),
                (b"IDAT", zlib.compress(b"\0" + alpha_like)),
                (b"IEND", b""),
            )
        )
        pixel = np.asarray(read_rgb(data))[0, 0].tolist()
        grey = 0x80 if kind == 2 else round(0x80 * 0x80 / 255 + 255 * (255 - 0x80) / 255)
        assert all(abs(value - grey) <= 1 for value in pixel), (kind, pixel)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_palettes_may_be_transparent() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    data = encoded(image, "PNG", transparency=1)
    assert np.asarray(read_rgb(data)).tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_threads_see_every_bomb() -> None:
    """Between Pillow's warning and its error lies a size that only the filter or our check catches."""
    bomb = encoded(Image.new("1", (12_000, 9_000)), "PNG")
    fine = encoded(picture(5), "PNG")

    def read(i: int) -> bool:
        try:
            read_rgb(bomb if i % 2 else fine)
        except UserError as error:
            return "too many pixels" in str(error)
        return False

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(200))) == [bool(i % 2) for i in range(200)]


KINDS = [
    encoded(picture(6, (24, 16)), kind) for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")
]


@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    st.floats(0, 1),
)
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore")  # Pillow warns of oddities that it reads all the same
def test_damaged_pictures_are_read_or_named(
    data: bytes, changes: list[tuple[float, int]], keep: float
) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    try:
        image = read_rgb(bytes(damaged[: 1 + int(keep * len(damaged))]), "it")
    except UserError as error:
        assert str(error).startswith("it: ") and "\n" not in str(error)
    else:
        assert image.mode == "RGB"
