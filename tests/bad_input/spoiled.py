"""Files spoiled by seed: their bytes, and what JSON, YAML, CSV, Parquet, zips and pictures hold."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

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
    more = rng.choice((b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\x80" * 9, b"\xe9"))
    path.write_bytes(data[:at] + more + data[at:])
    return f"{more!r} put in at {at}"


def written_otherwise(path: Path, rng: random.Random) -> str:
    """The same text in another encoding or with other line ends."""
    text = path.read_bytes().decode("utf-8", "replace")
    encoding = rng.choice(("utf-16", "utf-32", "latin-1"))
    path.write_bytes((text + "é").encode(encoding, "replace"))
    return encoding


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


def changed(value: Any, rng: random.Random) -> str:
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
    how = changed(data, rng)
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
    how = changed(data, rng)
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
    head = (
        ""
        if "extends" in YAMLS[name] or rng.random() < 0.3
        else "extends: small.yaml\nname: tiny\n"
    )
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
