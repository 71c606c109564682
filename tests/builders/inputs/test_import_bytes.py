"""What is imported keeps its own bytes and what is known of it, and is there whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from datasets import Image as ImageColumn
from datasets import load_dataset
from PIL import Image

from spurbench.dataset.read import open_data_set
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes, read_rgb
from spurbench_builders.inputs.importing import import_folder
from spurbench_builders.inputs.pool import data_set_pool, own_pool
from tests.conftest import ROOT, picture

PHOTOGRAPHS = ROOT / "tests" / "data" / "real"


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    return encoded(picture(3, (12, 8)), "JPEG", exif=exif, quality=95)


def kinds() -> dict[str, bytes]:
    """Encoded pictures as people have them, by file name."""
    base = picture(1, (12, 8))
    return {
        "a.jpg": encoded(base, "JPEG", quality=80),
        "b.png": encoded(base, "PNG"),
        "c.webp": encoded(base, "WEBP"),
        "d.gif": encoded(base, "GIF"),
        "e.bmp": encoded(base, "BMP"),
        "f.tif": encoded(base, "TIFF"),
        "g.jpeg": encoded(base.convert("CMYK"), "JPEG"),
        "h.jpg": turned(),
        "i.png": encoded(base.convert("RGBA"), "PNG"),
        "j.jpg": encoded(base.convert("L"), "JPEG"),
        "k.png": encoded(Image.fromarray(np.arange(96, dtype=np.uint16).reshape(8, 12)), "PNG"),
        "l.JPG": encoded(base, "PNG"),  # named as what it is not
    }


@pytest.fixture
def si(tmp_path: Path) -> Path:
    folder = tmp_path / "si" / "spurious_koala_105_2"
    folder.mkdir(parents=True)
    for name, data in kinds().items():
        (folder / name).write_bytes(data)
    return tmp_path / "si"


def test_every_picture_keeps_its_bytes_and_is_read_by_datasets_as_by_us(
    si: Path, tmp_path: Path
) -> None:
    list(import_folder(si, tmp_path / "out"))
    given = [kinds()[name] for name in sorted(kinds())]
    stored = list(open_data_set(tmp_path / "out").pictures())
    assert [p.data for p in stored] == given
    assert [p.sha256 for p in stored] == [sha256_bytes(data) for data in given]
    rows = load_dataset(str(tmp_path / "out"), "koala", split="si")
    assert rows["source_sha256"] == rows["sha256"] == [p.sha256 for p in stored]
    raw = rows.cast_column("image", ImageColumn(decode=False))["image"]
    endings = ".jpg .png .webp .gif .bmp .tif .jpg .jpg .png .jpg .png .png"
    assert [Path(image["path"]).suffix for image in raw] == endings.split()
    for row, data in zip(rows, given, strict=True):
        ours = read_rgb(data)
        assert row["image"].size == ours.size
    assert rows[sorted(kinds()).index("h.jpg")]["image"].size == (8, 12), "turned as it says"


def test_a_manifest_brings_licence_author_and_source(tmp_path: Path) -> None:
    """Real photographs under their real licences."""
    list(import_folder(PHOTOGRAPHS, tmp_path / "out"))
    rows = load_dataset(str(tmp_path / "out"), split="si")
    told = {
        row["origin"]: (row["licence"], row["author"], row["source_url"], row["source_sha256"])
        for row in rows.remove_columns("image")
    }
    digest = sha256_bytes((PHOTOGRAPHS / "china.jpg").read_bytes())
    assert told["china.jpg"] == ("CC BY 2.0", "danielbuechele", None, digest)
    assert told["rocket.jpg"][:2] == ("public domain", "SpaceX") and len(told) == 14
    size = sum(p.stat().st_size for p in (tmp_path / "out").rglob("*.parquet"))
    given = sum((PHOTOGRAPHS / name).stat().st_size for name in told)
    assert size < given + 11 * 20_000, "no more than the files and a table's head a class"


def test_columns_of_other_names_are_known_too(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png_bytes(picture(ord(name[0]))))
    (tmp_path / "manifest.csv").write_text(
        "path,class_full,in1k_index,license,url,sha256,author,by\n"
        "a.png,tench,0,CC0,https://x.org/1,ab,,someone\n"
        "b.png,tench,0,,,,first,second\n"
    )
    list(import_folder(tmp_path, tmp_path / "out"))
    first, second = (p.credit for p in open_data_set(tmp_path / "out").pictures())
    assert (first.licence, first.author, first.source_url, first.source_sha256) == (
        "CC0",
        "someone",
        "https://x.org/1",
        "ab",
    )
    digest = sha256_bytes((tmp_path / "b.png").read_bytes())
    assert (second.licence, second.author, second.source_url) == (None, "first", None)
    assert second.source_sha256 == digest


def test_references_keep_bytes_and_credit(si: Path, tmp_path: Path) -> None:
    own = own_pool(si / "spurious_koala_105_2", "koala")
    assert [p.data for p in own] == [kinds()[name] for name in sorted(kinds())]
    assert own[0].credit.source_sha256 == sha256_bytes(own[0].data)
    list(import_folder(PHOTOGRAPHS, tmp_path / "out"))
    pool = data_set_pool(tmp_path / "out", "missile", 9)
    assert [(p.origin, p.credit.author) for p in pool] == [
        ("astronaut.jpg", "NASA"),
        ("rocket.jpg", "SpaceX"),
    ]
    assert pool[1].data == (PHOTOGRAPHS / "rocket.jpg").read_bytes()
    assert len(data_set_pool(tmp_path / "out", "missile", 1)) == 1
