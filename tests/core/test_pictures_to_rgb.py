"""The one rule by which pixels become RGB, value by value: turns, depths, palettes, alpha."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spurbench.errors import UserError
from spurbench.pictures import is_picture_name, picture_files, read_folder, read_rgb, to_rgb
from tests.conftest import picture


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(image: Image.Image) -> list[list[list[int]]]:
    assert image.mode == "RGB"
    found: list[list[list[int]]] = np.asarray(image).tolist()
    return found


TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_the_turn_that_exif_asks_for_is_applied(turn: int, mode: str) -> None:
    image = picture(3, (5, 3)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = turn
    found = np.asarray(read_rgb(encoded(image, exif=exif)))
    assert np.array_equal(found, TURNS[turn](np.asarray(image.convert("RGB"))))


def test_alpha_lies_over_white() -> None:
    """By hand: 255 - alpha (255 - value) / 255, up to rounding."""
    image = Image.new("RGBA", (4, 1))
    for x, alpha in enumerate((0, 51, 204, 255)):
        image.putpixel((x, 0), (200, 0, 100, alpha))
    expected = [
        [255 - a * (255 - v) / 255 for v in (200, 0, 100)] for a in (0, 51, 204, 255)
    ]  # fmt: skip
    found = read_rgb(encoded(image))
    assert np.abs(np.array(pixels(found)[0]) - expected).max() <= 1
    premultiplied = to_rgb(image.convert("RGBa"))
    assert np.abs(np.asarray(premultiplied, dtype=int) - np.asarray(found, dtype=int)).max() <= 3


def test_grey_with_alpha() -> None:
    image = Image.new("LA", (2, 1))
    image.putpixel((0, 0), (100, 255))
    image.putpixel((1, 0), (100, 0))
    assert pixels(read_rgb(encoded(image))) == [[[100] * 3, [255] * 3]]


def test_palettes() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 128, 255, 7, 8, 9])
    for x, index in enumerate((2, 0, 1)):
        image.putpixel((x, 0), index)
    plain = [[7, 8, 9], [255, 0, 0], [0, 128, 255]]
    assert pixels(read_rgb(encoded(image))) == [plain]
    alpha = image.convert("PA")
    assert pixels(to_rgb(alpha)) == [plain]
    hidden = read_rgb(encoded(image, transparency=2))
    assert pixels(hidden) == [[[255] * 3, *plain[1:]]]


def test_one_colour_or_grey_that_is_transparent() -> None:
    colour = Image.new("RGB", (2, 1), (1, 2, 3))
    colour.putpixel((1, 0), (9, 8, 7))
    found = read_rgb(encoded(colour, transparency=(1, 2, 3)))
    assert pixels(found) == [[[255] * 3, [9, 8, 7]]]
    grey = Image.new("L", (2, 1), 40)
    grey.putpixel((1, 0), 90)
    assert pixels(read_rgb(encoded(grey, transparency=90))) == [[[40] * 3, [255] * 3]]


def test_grey_black_and_white_and_print_colours() -> None:
    grey = Image.new("L", (2, 1), 40)
    grey.putpixel((1, 0), 90)
    assert pixels(read_rgb(encoded(grey))) == [[[40] * 3, [90] * 3]]
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    assert pixels(read_rgb(encoded(bits))) == [[[0] * 3, [255] * 3]]
    ink = Image.new("CMYK", (1, 1), (255, 0, 0, 0))
    assert pixels(read_rgb(encoded(ink, "TIFF"))) == [[[0, 255, 255]]]


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L"])
@pytest.mark.parametrize("value", [0, 200, 257, 32768, 65535])
def test_sixteen_bits_are_scaled_whatever_the_values(mode: str, value: int) -> None:
    """A dark picture stays dark: what is brightest in it says nothing of the scale."""
    order = ">u2" if mode == "I;16B" else "<u2"
    image = Image.frombytes(mode, (1, 2), np.array([[value], [0]], dtype=order).tobytes())
    assert pixels(to_rgb(image)) == [[[value * 255 // 65535] * 3], [[0] * 3]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 100, 255], [0, 100, 255]),  # eight bits in a wide picture
        ([0, 256, 65535], [0, 0, 255]),  # sixteen
        ([-300, 514, 70000], [0, 2, 255]),  # what lies outside ends at the ends
        ([0, 0, 0], [0, 0, 0]),
    ],
)
@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_wide_greys(values: list[int], expected: list[int], kind: type) -> None:
    image = Image.fromarray(np.array([values], dtype=kind))
    assert image.mode in {"I", "F"}
    assert pixels(read_rgb(encoded(image, "TIFF"))) == [[[v] * 3 for v in expected]]


def test_a_picture_with_as_many_pixels_as_are_safe_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(picture(1, (4, 3)))
    for most in (12, None):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        assert read_rgb(data).size == (4, 3)
    for most in (11, 2):  # Pillow warns of the first and refuses the second
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(UserError) as error:
            read_rgb(data, "mine")
        assert str(error.value) == "mine: too many pixels to open safely; shrink it first"


def test_what_cannot_be_read_is_named_in_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone.png"
    for source, name, said in [
        (b"no picture", "", "picture: cannot be read as a picture (not a known picture format)"),
        (b"no picture", "a.png", "a.png: cannot be read as a picture (not a known picture format)"),
    ]:
        with pytest.raises(UserError) as error:
            read_rgb(source, name)
        assert str(error.value) == f"{said}; replace or remove it"
    for name in ("", "mine"):
        with pytest.raises(UserError, match=r"gone\.png: cannot be read .no such file"):
            read_rgb(gone, name)


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.b.jpeg", "a.WebP", "a.bmp", "a.tif", "a.TIFF", "a.gif"])  # fmt: skip
def test_names_of_pictures(name: str) -> None:
    assert is_picture_name(name)


@pytest.mark.parametrize(
    "name", ["a", "png", ".png", "._0.png", "a.png.txt", "a.svg", "a.pngx", ""]
)
def test_names_of_no_pictures(name: str) -> None:
    assert not is_picture_name(name)


def test_a_folders_pictures_by_name(tmp_path: Path) -> None:
    for i, name in enumerate(("b.png", "a.png", "10.PNG", "9.png")):
        (tmp_path / name).write_bytes(encoded(picture(i)))
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "c.txt").touch()
    (tmp_path / "._a.png").touch()
    names = ["10.PNG", "9.png", "a.png", "b.png"]
    assert picture_files(tmp_path) == [tmp_path / name for name in names]
    found = list(read_folder(tmp_path))
    assert [path for path, _ in found] == [tmp_path / name for name in names]
    assert [image.tobytes() for _, image in found] == [picture(i).tobytes() for i in (2, 3, 1, 0)]


def test_folders_that_are_none_or_empty(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        picture_files(tmp_path / "nowhere")
    assert str(error.value) == f"{tmp_path / 'nowhere'}: no such folder"
    with pytest.raises(UserError) as error:
        next(read_folder(tmp_path))
    assert str(error.value) == (
        f"{tmp_path}: holds no pictures (.bmp, .gif, .jpeg, .jpg, .png, .tif, .tiff, .webp)"
    )
