"""Thumbnails: small whatever the picture is, and a reason where it is none."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from spurbench.pictures import png_bytes
from spurbench_leaderboard.report.thumbnails import MOST_BYTES, Thumbnail, thumbnail
from tests.conftest import picture


def decoded(found: Thumbnail) -> tuple[bytes, Image.Image]:
    head, _, packed = found.uri.partition(",")
    assert head == "data:image/webp;base64"
    data = base64.b64decode(packed)
    return data, Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("size", "shown"),
    [((8, 6), (8, 6)), ((900, 300), None), ((300, 900), None), ((2000, 1), (256, 1))],
)
def test_no_larger_than_it_may_be(size: tuple[int, int], shown: tuple[int, int] | None) -> None:
    """Noise, which packs worst: the larger edges are tried first, and given up."""
    found = thumbnail(png_bytes(picture(1, size)))
    data, image = decoded(found)
    assert len(data) <= MOST_BYTES and max(image.size) <= 256
    assert image.size == (found.width, found.height)
    assert shown is None or image.size == shown
    assert shown or image.width / image.height == pytest.approx(size[0] / size[1], rel=0.05)


def test_a_flat_picture_keeps_the_largest_edge() -> None:
    found = thumbnail(png_bytes(Image.new("RGB", (1024, 512), (200, 30, 30))))
    assert (found.width, found.height) == (256, 128)
    red, green, blue = decoded(found)[1].convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert abs(red - 200) < 8 and abs(green - 30) < 8 and abs(blue - 30) < 8


def test_what_is_no_picture_says_why() -> None:
    found = thumbnail(b"no picture\n<b>")
    assert not found.uri and "cannot be read as a picture" in found.why
