"""Files spoiled by seed: their bytes, and what JSON, YAML, CSV, Parquet, zips and pictures hold."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from spurbench.files import sha256_file

from .odd import DIGITS

Spoil = Callable[[Path, random.Random], str]
"""Spoils a file and says how."""
DEEP = 100_000
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        0,
        1,
        99,
        1.5,
        -1e308,
        1e308,
        10**12,
        10**30,
        "",
        "x",
        "../../etc/passwd",
        "/etc/passwd",
    ),
    *(
        [],
        {},
        [None],
        {"a": None},
        "<script>",
        "![x](http://e)",
        "[/b]",
        "a\nb",
        "\0",
        "é",
        "x" * 5000,
    ),
    *(float("nan"), float("inf"), "NaN", "0" * 64, ["x"] * 50, "a|b", "all", "default", "A B"),
)
RAW = (DIGITS, "1e999", "[" * DEEP, "NaN", "'", "{", "\ud800".encode("utf-8", "surrogatepass"))


def flipped(path: Path, rng: random.Random) -> str:
    """Some bytes other than they were, anywhere."""
    data = bytearray(path.read_bytes())
    places = [rng.randrange(len(data)) for _ in range(rng.choice((1, 1, 4, 64)))] if data else []
    for at in places:
        data[at] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return f"{len(places)} bits flipped"


def cut(path: Path, rng: random.Random) -> str:
    """Only its beginning."""
    data = path.read_bytes()
    kept = rng.choice((0, 1, 4, len(data) // 2, len(data) - 1, rng.randrange(len(data) or 1)))
    path.write_bytes(data[:kept])
    return f"cut after {kept} bytes"


def grown(path: Path, rng: random.Random) -> str:
    """With bytes put in somewhere."""
    data = path.read_bytes()
    at = rng.choice((0, len(data), rng.randrange(len(data) + 1)))
    more = rng.choice(
        (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", os.urandom(0) + b"\x80" * 9, b"\xe9")
    )
    path.write_bytes(data[:at] + more + data[at:])
    return f"{more!r} put in at {at}"


def written_otherwise(path: Path, rng: random.Random) -> str:
    """The same text in another encoding or with other line ends."""
    text = path.read_bytes().decode("utf-8", "replace")
    encoding = rng.choice(("utf-16", "utf-32", "latin-1"))
    path.write_bytes((text + "é").encode(encoding, "replace"))
    return encoding


def of_another_format(path: Path, rng: random.Random) -> str:
    """Bytes of something else."""
    picked = rng.choice(sorted(FOREIGN))
    path.write_bytes(FOREIGN[picked])
    return picked


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
    import struct
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


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


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of everything within a value."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, below in inner:
        yield (*path, key)
        yield from _leaves(below, (*path, key))


def _changed(value: Any, rng: random.Random) -> str:
    """One thing within it put to something odd, taken out, or called otherwise."""
    path = rng.choice(list(_leaves(value)))
    for key in path[:-1]:
        value = value[key]
    how = rng.choice(("put", "put", "put", "taken out", "renamed"))
    where = ".".join(map(str, path))
    if how == "put" or isinstance(value, list):
        odd = rng.choice(VALUES)
        value[path[-1]] = odd
        return f"{where} = {str(odd)[:40]!r}"
    kept = value.pop(path[-1])
    if how == "renamed":
        value[f"{path[-1]}x"] = kept
    return f"{where} {how}"


def json_value(path: Path, rng: random.Random) -> str:
    """A JSON file with one thing within it changed."""
    data = json.loads(path.read_text())
    how = _changed(data, rng)
    path.write_text(json.dumps(data))
    return how


def json_text(path: Path, rng: random.Random) -> str:
    """A JSON or YAML file's text with one value replaced by what is hard to read."""
    text = path.read_bytes()
    colons = [i for i, sign in enumerate(text) if sign == ord(":")]
    at = rng.choice(colons)
    raw = rng.choice(RAW)
    raw = raw if isinstance(raw, bytes) else raw.encode()
    end = min(i for i in (text.find(b",", at), text.find(b"\n", at), len(text)) if i > at)
    path.write_bytes(text[: at + 1] + b" " + raw + text[end:])
    return f"{raw[:20]!r} at {at}"


def json_doubled(path: Path, rng: random.Random) -> str:
    """A JSON object with a key that stands twice."""
    text = path.read_text()
    key = rng.choice([k for k in json.loads(text) if isinstance(k, str)])
    path.write_text(f"{{{json.dumps(key)}: null, {text.lstrip()[1:]}")
    return f"{key} twice"


def yaml_value(path: Path, rng: random.Random) -> str:
    """A YAML file with one thing within it changed."""
    data = yaml.safe_load(path.read_text())
    how = _changed(data, rng)
    path.write_text(yaml.safe_dump(data))
    return how


YAMLS = {
    "merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 12)),
    "aliases": "a0: &a0 [x, x]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
    "itself": "a: &a [*a]\n",
    "a date": "prior: 2024-13-45\n",
    "code": "prior: !!python/object/apply:os.system ['touch ran']\n",
    "depth": "prior: " + "[" * 9000 + "\n",
    "digits": f"prior: {DIGITS}\n",
    "sixty": "prior: 1:99:99\n",
    "binary": "prior: !!binary x\n",
    "a set": "prior: !!set {a, b}\n",
    "a key twice": "seed: 1\nseed: 2\n",
    "a list as key": "{[a]: 1}\n",
    "a list": "- a\n- b\n",
    "a number": "7\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "itself extended": "extends: tiny.yaml\n",
    "a recipe list": "extends: [micro]\n",
    "a width": "prompt: {prior: '{noun:>999999999}'}\n",
    "a pool": "references: {pool: 1000000000000}\n",
    "10^18 steps": "training: {steps: 1000000000000000000}\n",
}


def yaml_text(path: Path, rng: random.Random) -> str:
    """A YAML file that means harm."""
    name = rng.choice(sorted(YAMLS))
    head = "" if "extends" in YAMLS[name] or rng.random() < 0.3 else "extends: micro\nname: tiny\n"
    path.write_text(head + YAMLS[name])
    return name


def csv_cells(path: Path, rng: random.Random) -> str:
    """A CSV file with a cell, a row or its header changed."""
    lines = path.read_text().splitlines()
    row = rng.randrange(len(lines))
    cells = lines[row].split(",")
    odd = rng.choice(
        ("", "../../x", "/etc/hostname", "\0", '"', "x" * 200_000, "-1", "1000", DIGITS, "²", "é,")
    )
    column = rng.randrange(len(cells))
    cells[column] = odd
    lines[row] = ",".join(cells)
    if rng.random() < 0.2:
        lines.insert(row, lines[row])
    path.write_text("\n".join(lines) + "\n")
    return f"line {row + 1}, cell {column + 1} = {odd[:20]!r}"


def text_line(path: Path, rng: random.Random) -> str:
    """A text file with a line replaced."""
    lines = path.read_text().splitlines()
    row = rng.randrange(len(lines))
    odd = rng.choice(
        (
            "",
            "'",
            "[/b]",
            "x" * 9000,
            "\0",
            DIGITS,
            "²",
            "micro/vit --batch-size 1e9",
            "a b c",
            "nope",
        )
    )
    lines[row] = odd
    path.write_text("\n".join(lines) + "\n")
    return f"line {row + 1} = {odd[:20]!r}"


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
    how = _changed(said, rng)
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
