"""Kinds of damage, planted in a sound data set, and what is to be found."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from tests.core.dataset.made import edited
from tests.publishing.made import Spoil, file_of, mended, noise, rewritten

Rows = list[dict[str, Any]]


def rows(change: Callable[[Rows], object], split: str = "generated", slug: str = "koala") -> Spoil:
    """Damage to rows by one who mends manifest and card afterwards."""

    def spoil(folder: Path) -> None:
        rewritten(file_of(folder, slug, split), change)
        mended(folder)

    return spoil


def cell(column: str, value: object, split: str = "generated", row: int = 1) -> Spoil:
    return rows(lambda found: found[row].update({column: value}), split)


def manifest(change: Callable[[dict[str, Any]], object]) -> Spoil:
    return lambda folder: edited(folder, change)


def koala(data: dict[str, Any], split: str = "generated") -> Any:
    return data["classes"]["koala"]["splits"][split]


def picture(image: bytes, index: int = 1, *, hashed: bool = True) -> Callable[[Rows], object]:
    def change(found: Rows) -> None:
        found[index]["image"] = {"bytes": image, "path": "x.png"}
        if hashed:
            found[index]["sha256"] = sha256_bytes(image)

    return change


def reencoded(found: Rows) -> None:
    """The second picture becomes the first, saved in another format of the same pixels."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(found[0]["image"]["bytes"])).save(buffer, "BMP")
    picture(buffer.getvalue())(found)
    found[1]["nearest_distance"] = found[0]["nearest_distance"]
    found[1]["nearest_reference"] = found[0]["nearest_reference"]


def near_copy(found: Rows) -> None:
    """A training reference with one grey level more in every channel."""
    values = np.asarray(noise(100), dtype=int)
    image = png_bytes(Image.fromarray(np.where(values < 255, values + 1, values).astype(np.uint8)))
    picture(image)(found)
    apart = np.asarray(Image.open(io.BytesIO(image)), dtype=float) - values
    found[1]["nearest_distance"] = float(((apart / 255) ** 2).mean() ** 0.5)
    found[1]["nearest_reference"] = "made 100"


def with_column(name: str, values: Callable[[int], pa.Array]) -> Spoil:
    def spoil(folder: Path) -> None:
        table = pq.read_table(file_of(folder))
        at = table.schema.names.index(name) if name in table.schema.names else None
        column = values(table.num_rows)
        made = (
            table.append_column(name, column) if at is None else table.set_column(at, name, column)
        )
        pq.write_table(made, file_of(folder))
        mended(folder)

    return spoil


def without_column(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        pq.write_table(pq.read_table(file_of(folder)).drop_columns([name]), file_of(folder))
        mended(folder)

    return spoil


def flipped(folder: Path) -> None:
    """One bit within a picture: Parquet does not notice."""
    file = file_of(folder)
    data = bytearray(file.read_bytes())
    data[data.index(b"IDAT") + 10] ^= 1
    file.write_bytes(data)


def cut(folder: Path) -> None:
    file_of(folder).write_bytes(file_of(folder).read_bytes()[:-20])


def with_text(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def card(old: str, new: str) -> Spoil:
    return lambda folder: with_text(folder / "README.md", old, new)


def swapped_labels(folder: Path) -> None:
    """Two classes' labels change places everywhere, and nothing disagrees."""
    for slug, label in (("koala", 0), ("hummingbird", 5)):
        for file in (folder / "data" / slug).iterdir():

            def change(found: Rows, label: int = label) -> None:
                for row in found:
                    row["label"] = label
                    for one in row["predictions"]:
                        one["label"] = {5: 0, 0: 5}.get(one["label"], one["label"])

            rewritten(file, change)

        def relabel(data: dict[str, Any], slug: str = slug, label: int = label) -> None:
            data["classes"][slug]["label"] = label

        edited(folder, relabel)
    mended(folder)


def taken_in(split: str, origin_split: str, origin_slug: str) -> Spoil:
    """A picture of another split or class takes the place of koala's second."""

    def spoil(folder: Path) -> None:
        other = pq.read_table(file_of(folder, origin_slug, origin_split)).to_pylist()[1]
        rewritten(file_of(folder, "koala", split), picture(other["image"]["bytes"]))
        mended(folder)

    return spoil


def older(folder: Path) -> None:
    """The card of before the pictures were changed."""
    text = (folder / "README.md").read_text()
    rows(lambda found: found.pop())(folder)
    (folder / "README.md").write_text(text)


def sheet(name: str, data: bytes) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / "contact").mkdir()
        (folder / "contact" / name).write_bytes(data)

    return spoil


def extra(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")

    return spoil


def moved(folder: Path) -> None:
    target = "data/koala/elsewhere.parquet"
    file_of(folder).rename(folder / target)
    edited(folder, lambda data: koala(data)["files"][0].update(path=target))


def no_references(folder: Path) -> None:
    def change(found: Rows) -> None:
        for row in found:
            row["is_training_reference"] = False

    rewritten(file_of(folder, split="si"), change)
    mended(folder)


def shuffled(found: Rows) -> None:
    found[0]["index"], found[1]["index"] = 1, 0


def gap(found: Rows) -> None:
    found[2]["index"] = 5


PNG = png_bytes(noise(999))
BLACK = png_bytes(Image.new("RGB", (8, 8)))
FAR = {"distance"}
"""Found beside, where pixels are exchanged: the distance to the reference is another."""
DAMAGE: dict[str, tuple[Spoil, set[str]]] = {
    "no JSON": (lambda f: (f / "manifest.json").write_text("{"), {"manifest"}),
    "a field gone": (manifest(lambda d: d["classes"]["koala"].pop("label")), {"manifest"}),
    "a file outside": (
        manifest(lambda d: koala(d)["files"][0].update(path="../x.parquet")),
        {"manifest"},
    ),
    "a file gone": (lambda f: file_of(f).unlink(), {"file-missing", "count", "content", "summary"}),
    "a flipped bit": (flipped, {"file-altered", "picture-bytes", "picture-unreadable"}),
    "a file cut": (
        cut,
        {"file-altered", "file-unreadable", "count", "content", "summary"},
    ),
    "a file twice": (
        manifest(lambda d: koala(d)["files"].append(koala(d)["files"][0])),
        {
            *("file-twice", "content", "index", "seed", "duplicate-split", "count", "summary"),
            "card-stale",
        },
    ),
    "a file moved": (moved, {"file-elsewhere", "croissant-stale"}),
    "a split more": (extra("data/koala/generated-00001-of-00002.parquet"), {"file-unnamed"}),
    "a script": (extra("spurbench.py"), {"file-script"}),
    "a column gone": (without_column("prompt"), {"column-missing", "made-how"}),
    "a column of another type": (
        with_column("seed", lambda n: pa.array(map(str, range(n)))),
        {"column-type", "made-how"},
    ),
    "a value gone": (
        lambda f: rewritten(file_of(f), lambda found: found[1].update(index=None)),
        {"cell-empty", "file-altered", "content"},
    ),
    "a count that is wrong": (
        manifest(lambda d: koala(d)["files"][0].update(pictures=4)),
        {"count"},
    ),
    "a picture lost": (rows(lambda found: found.pop(0)), {"index"}),
    "indices that jump": (rows(gap), {"index"}),
    "indices out of order": (rows(shuffled), {"index"}),
    "a label": (
        lambda f: rewritten(file_of(f), lambda found: found[1].update(label=4)),
        {"label", "file-altered", "summary"},
    ),
    "a class name": (
        lambda f: rewritten(file_of(f), lambda found: found[1].update(class_name="bee")),
        {"class-name", "file-altered"},
    ),
    "a kind": (
        lambda f: rewritten(file_of(f), lambda found: found[1].update(source="val")),
        {"source", "file-altered"},
    ),
    "swapped labels": (swapped_labels, {"class-label"}),
    "a content hash": (
        manifest(lambda d: koala(d).update(content="0" * 64)),
        {"content", "card-stale", "croissant-stale"},
    ),
    "other bytes": (rows(picture(PNG, hashed=False)), {"picture-bytes", *FAR}),
    "no bytes": (
        rows(lambda found: found[1]["image"].update(bytes=None)),
        {"picture-unreadable"},
    ),
    "no picture": (rows(picture(b"GIF89a")), {"picture-unreadable"}),
    "a black picture": (rows(picture(BLACK)), {"degenerate", *FAR}),
    "a prompt gone": (cell("prompt", None), {"made-how"}),
    "a seed gone": (cell("seed", None), {"made-how"}),
    "another recipe": (cell("recipe", "other@123456789abc"), {"recipe"}),
    "another recipe of the split": (
        manifest(lambda d: koala(d).update(recipe="other@123456789abc")),
        {"recipe"},
    ),
    "another recipe of the class": (
        manifest(lambda d: d["classes"]["koala"]["provenance"]["recipe"].update(base="else")),
        {"recipe"},
    ),
    "a seed twice": (cell("seed", 3_000_000), {"seed"}),
    "a seed of another build": (cell("seed", 9_000_001), {"seed"}),
    "another seed of the class": (
        manifest(lambda d: d["classes"]["koala"]["provenance"].update(seed=9)),
        {"seed"},
    ),
    "a generated reference": (cell("is_training_reference", True), {"reference-flag"}),
    "a validation reference": (cell("is_training_reference", True, "val"), {"reference-flag"}),
    "no references": (no_references, {"reference-none"}),
    "an unknown reference": (cell("nearest_reference", "made 103"), {"reference-unknown"}),
    "a distance": (cell("nearest_distance", 0.9), {"distance"}),
    "a distance that is no number": (cell("nearest_distance", float("nan")), {"distance"}),
    "a member gone": (
        rows(lambda found: found[1]["predictions"].pop()),
        {"panel"},
    ),
    "predictions gone": (
        cell("predictions", []),
        {"panel", "consistently-spurious"},
    ),
    "a probability": (
        rows(lambda found: found[1]["predictions"][0].update(probability=1.5)),
        {"prediction"},
    ),
    "a label below -1": (
        rows(lambda found: found[0]["predictions"][1].update(label=-2)),
        {"prediction"},
    ),
    "a verdict": (cell("consistently_spurious", False), {"consistently-spurious"}),
    "a duplicated picture": (
        rows(lambda found: picture(found[0]["image"]["bytes"])(found)),
        {"duplicate-split", *FAR},
    ),
    "a reference among generated": (
        taken_in("generated", "si", "koala"),
        {"duplicate-kinds", *FAR},
    ),
    "a picture of another class": (
        taken_in("generated", "generated", "hummingbird"),
        {"duplicate-classes", *FAR},
    ),
    "a picture saved again": (rows(reencoded), {"duplicate-split"}),
    "no card": (lambda f: (f / "README.md").unlink(), {"card-missing"}),
    "a card without YAML": (lambda f: (f / "README.md").write_text("# x"), {"card-unreadable"}),
    "a card of broken YAML": (card("configs:", "configs: ]["), {"card-unreadable"}),
    "a stale card": (older, {"card-stale"}),
    "a config gone": (
        card("config_name: koala", "config_name: kuala"),
        {"card-config"},
    ),
    "a config's files": (
        card("path: data/koala/si-*.parquet", "path: data/koala/*.parquet"),
        {"card-config"},
    ),
    "another default": (card("  default: true\n", ""), {"card-config"}),
    "a summary": (
        manifest(lambda d: koala(d)["summary"]["panel"].update({"micro/vit": 2})),
        {"summary"},
    ),
    "a broken description": (
        lambda f: (f / "croissant.json").write_text("[]"),
        {"croissant-unreadable"},
    ),
    "a stale description": (
        lambda f: with_text(f / "croissant.json", '"sha256": "', '"sha256": "0'),
        {"croissant-stale"},
    ),
    "a broken sheet": (sheet("koala.png", b"x"), {"sheet-unreadable"}),
}
"""What is done to ``sound``, and the faults that are found: those, and no other."""
NOTED: dict[str, tuple[Spoil, str]] = {
    "a near copy": (rows(near_copy), "near-copy"),
    "a text": (extra("notes.txt"), "file-other"),
    "a sheet of no class": (sheet("bee.png", PNG), "sheet-unnamed"),
    "a column more": (with_column("mine", lambda n: pa.array(range(n))), "column-other"),
    "a reference of two classes": (taken_in("si", "si", "hummingbird"), "duplicate-shared"),
}
LICENCES: dict[str, tuple[Spoil, set[str]]] = {
    "a licence gone": (cell("licence", None, "si"), {"licence-missing"}),
    "all licences gone": (
        rows(lambda found: [row.update(licence=None) for row in found], "si"),
        {"licence-missing"},
    ),
    "an author gone": (cell("author", "", "si"), {"licence-author"}),
    "a source gone": (cell("source_url", None, "val"), {"licence-author"}),
}


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target
