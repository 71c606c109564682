"""Files of formats of their own spoiled by seed: Parquet, zips, pictures, checkpoints; and the bytes of
one format where those of another should be."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spurbench.files import sha256_file

from .spoiled import DEEP, Spoil, changed


def _zip(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return buffer.getvalue()


def _picture(kind: str, **options: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new(options.pop("mode", "RGB"), options.pop("size", (9, 7))).save(buffer, kind, **options)
    return buffer.getvalue()


def _header(width: int, height: int) -> bytes:
    """A PNG that says to be that large."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def of_another_format(path: Path, rng: random.Random) -> str:
    """Bytes of something else."""
    picked = rng.choice(sorted(FOREIGN))
    path.write_bytes(FOREIGN[picked])
    return picked


FOREIGN = {
    "nothing": b"",
    "HTML": b"<!doctype html><html><body>404</body></html>",
    "DDS": b"DDS " + b"\x7c\0\0\0" + bytes(120),
    "BLP": b"BLP2" + b"\1\0\0\0" + bytes(150),
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
    "PSD": b"8BPS" + bytes(40),
    "a PNG of 2 billion pixels": _header(60_000, 60_000),
    "a PNG of no pixels": _header(0, 0),
    "a zip bomb": _zip(("x.png", bytes(30_000_000))),
    "a pickle": pickle.dumps({"a": 1}),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    "ELF": b"\x7fELF" + bytes(60),
    "a gzip": b"\x1f\x8b\x08" + bytes(20),
    "JSON": b'{"a": [1, 2, {"b": null}]}',
    "text": b"hello\n",
    "a NUL": b"\0",
}


def parquet(path: Path, rng: random.Random) -> str:
    """A Parquet file with a column or its rows changed."""
    table = pq.read_table(path)
    name = rng.choice(table.column_names)
    at = table.column_names.index(name)
    how = rng.choice(
        (
            "dropped",
            "of text",
            "of nulls",
            "of numbers",
            "doubled",
            "renamed",
            "rows doubled",
            "no rows",
        )
    )
    count = table.num_rows
    columns: dict[str, Any] = {
        "of text": pa.array(["x"] * count),
        "of nulls": pa.nulls(count, table.schema.field(name).type),
        "of numbers": pa.array([7] * count, pa.int64()),
    }
    if how == "dropped":
        table = table.drop_columns([name])
    elif how == "doubled":
        table = table.append_column(name, table[name])
    elif how == "renamed":
        table = table.rename_columns([f"{n}x" if n == name else n for n in table.column_names])
    elif how == "rows doubled":
        name, table = "", pa.concat_tables([table, table])
    elif how == "no rows":
        name, table = "", table.slice(0, 0)
    else:
        table = table.set_column(at, name, columns[how])
    pq.write_table(table, path)
    return f"{name} {how}".strip()


def metadata(path: Path, rng: random.Random) -> str:
    """A predictions file that says something else of itself."""
    table = pq.read_table(path)
    said = json.loads(table.schema.metadata[b"spurbench"])
    how = changed(said, rng)
    text = json.dumps(said)
    if rng.random() < 0.2:
        how, text = "nested deeply", "[" * DEEP
    pq.write_table(table.replace_schema_metadata({b"spurbench": text.encode()}), path)
    return how


def rehashed(spoil: Spoil) -> Spoil:
    """A split's file spoiled so, with the hash in the manifest that fits."""

    def both(path: Path, rng: random.Random) -> str:
        how = spoil(path, rng)
        folder = path.parents[2]
        manifest = json.loads((folder / "manifest.json").read_text())
        for entry in manifest["classes"].values():
            for split in entry["splits"].values():
                for file in split["files"]:
                    if folder / file["path"] == path:
                        file["sha256"] = sha256_file(path)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return f"{how}, hashed again"

    return both


def zipped_oddly(path: Path, rng: random.Random) -> str:
    """A zip of Spurious ImageNet's folders with something odd in it."""
    folder = "spurious_class_105_component_1"
    png = _picture("PNG")
    members = {
        "a path up": (("../x.png", png), (f"{folder}/0.png", png)),
        "an absolute path": (("/etc/x.png", png), (f"{folder}/0.png", png)),
        "a bomb": ((f"{folder}/0.png", bytes(300_000_000)),),
        "a folder that is a file": ((folder, b"x"), (f"{folder}/0.png", png)),
        "no pictures": ((f"{folder}/x.txt", b"x"),),
        "another label": (("spurious_class_9999_component_1/0.png", png),),
        "a broken picture": ((f"{folder}/0.png", png[:20]),),
        "a long name": ((f"{folder}/{'n' * 60_000}.png", png),),
        "a list": (("manifest.csv", b"path,class_full,in1k_index\nx.png,y,7\n"),),
    }
    name = rng.choice(sorted(members))
    data = bytearray(_zip(*members[name]))
    if rng.random() < 0.2:
        name = "encrypted"
        data[6] |= 1
        data[data.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    return name


def picture_kind(path: Path, rng: random.Random) -> str:
    """A picture of an unusual kind, whole or not."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "CMYK": ("JPEG", {"mode": "CMYK"}),
        "16 bit": ("PNG", {"mode": "I;16"}),
        "palette": ("PNG", {"mode": "P"}),
        "one row": ("PNG", {"size": (900, 1)}),
        "one pixel": ("PNG", {"size": (1, 1)}),
        "float": ("TIFF", {"mode": "F"}),
        "animated": ("GIF", {"save_all": True}),
        "WebP": ("WEBP", {}),
    }
    name = rng.choice(sorted(kinds))
    kind, options = kinds[name]
    data = _picture(kind, **options)
    if rng.random() < 0.6:
        name, data = f"{name}, cut", data[: rng.randrange(len(data))]
    path.write_bytes(data)
    return name


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


def checkpoint(path: Path, rng: random.Random) -> str:
    """A checkpoint that holds something else: code among it, which would make a file called ran."""
    import torch

    things: dict[str, Any] = {
        "code": {"a": _Code()},
        "no tensors": {"a": 1, "b": "x"},
        "a list": [torch.zeros(2)],
        "other shapes": {"head.weight": torch.zeros(2, 2)},
        "numbers as keys": {1: torch.zeros(2)},
        "nothing": {},
        "not finite": {"a": torch.full((2,), float("nan"))},
    }
    name = rng.choice(sorted(things))
    if name == "code" and rng.random() < 0.5:
        path.write_bytes(pickle.dumps(_Code()))
    else:
        torch.save(things[name], path)
    return name
