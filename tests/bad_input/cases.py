"""The cases: command lines over copies of the good things, each with one thing wrong."""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer

from . import odd, spoiled
from .around import AROUND
from .good import unmounted
from .spoiled import Spoil

ONNX = ("m.onnx", "m.onnx.json")
BUILD = "build --classes koala --recipe tiny.yaml --images 1 --out o"
EVAL = "eval --model python/mod:make --data ds --limit 1"
ABLATE = (
    "ablate --recipe tiny.yaml --classes koala --images 1 --contexts 0 --seeds 1 --readings attract "
    "--kappas 1 --out o"
)
BASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "list": ("list classes", ()),
    "build": (BUILD, ("tiny.yaml",)),
    "merge": ("merge ds --out o", ("ds",)),
    "import-si": ("import-si si --out o", ("si",)),
    "eval": (EVAL, ("ds", "mod.py")),
    "score": ("score p.parquet", ("p.parquet",)),
    "compare": ("compare p.parquet q.parquet", ("p.parquet", "q.parquet")),
    "ablate": (ABLATE, ("tiny.yaml",)),
    "leaderboard render": ("leaderboard render --results results", ("results", "README.md")),
}
"""A good call of every command, and what it reads; options are put behind it."""


@dataclass(frozen=True)
class Slot:
    """A place of a command line where a path stands: ``words`` before it, a good path, what else is
    read; ``output``: what is not there yet is fine."""

    words: str
    path: str
    also: tuple[str, ...] = ()
    output: bool = False

    def line(self, path: str) -> list[str]:
        words = shlex.split(self.words)
        if self.words.endswith("onnx/"):
            return [*words[:-1], words[-1] + path]
        return [*words, path]


_ONNX_EVAL = "eval --model onnx/m.onnx --limit 1 --data"
SLOTS = (
    Slot("eval --model micro/vit --limit 1 --data", "ds"),
    *(Slot(_ONNX_EVAL, path, ONNX) for path in ("si", "si.zip", "listed")),
    *(
        Slot(f"{_ONNX_EVAL} dsi --splits si,val --val", path, (*ONNX, "dsi"))
        for path in ("val", "kaggle", "hf")
    ),
    Slot("eval --data ds --limit 1 --models", "models.txt", ("ds",)),
    *(
        Slot("eval --model micro/vit --data ds --limit 1 --weights", path, ("ds",))
        for path in ("w.pt", "w.safetensors")
    ),
    Slot(f"{_ONNX_EVAL} dsi --label-space", "labels.txt", (*ONNX, "dsi")),
    Slot("eval --data dsi --limit 1 --model onnx/", "m.onnx", ("dsi", "m.onnx.json")),
    Slot(f"{EVAL} --results", "made", ("ds", "mod.py"), output=True),
    Slot("score", "p.parquet"),
    Slot("score p.parquet --results", "made", ("p.parquet",), output=True),
    Slot("compare q.parquet", "p.parquet", ("q.parquet",)),
    Slot("merge --out o", "ds"),
    Slot("merge ds --out", "made", ("ds",), output=True),
    *(Slot("import-si --out o", path) for path in ("si", "si.zip", "listed")),
    Slot("import-si si --out", "made", ("si",), output=True),
    *(
        Slot(f"{BUILD} --references", path, ("tiny.yaml",))
        for path in ("own", "sub", "ds", "listed")
    ),
    Slot("build --classes koala --images 1 --out o --recipe", "tiny.yaml"),
    Slot(f"{BUILD} --out", "made", ("tiny.yaml",), output=True),
    Slot("ablate --classes koala --images 1 --seeds 1 --out o --recipe", "tiny.yaml"),
    Slot(f"{ABLATE} --out", "made", ("tiny.yaml",), output=True),
    Slot("leaderboard render --results", "results", ("README.md",)),
    Slot("leaderboard render --results results --readme", "README.md", ("results",)),
)
TEXT = (
    spoiled.flipped,
    spoiled.cut,
    spoiled.grown,
    spoiled.written_otherwise,
    spoiled.of_another_format,
)
JSON = (*([spoiled.json_value] * 4), spoiled.json_text, spoiled.json_doubled, *TEXT[:3])
BYTES = (spoiled.flipped, spoiled.cut, spoiled.grown, spoiled.of_another_format)
PICTURE = (*BYTES, spoiled.picture_kind, spoiled.picture_kind)
SPLIT = (
    spoiled.rehashed(spoiled.parquet),
    spoiled.rehashed(spoiled.flipped),
    spoiled.rehashed(spoiled.cut),
)
YAML = (*([spoiled.yaml_value] * 3), *([spoiled.yaml_text] * 3), spoiled.json_text, *TEXT[:3])
PREDICTIONS = (spoiled.parquet, spoiled.parquet, spoiled.metadata, *BYTES)
_REFERENCES = f"{BUILD} --references"
_IMPORT = "import-si --out o"
FILES: tuple[tuple[str, tuple[str, ...], str, tuple[Spoil, ...], int], ...] = (
    ("eval --model python/mod:make --data ds", ("ds", "mod.py"), "ds/manifest.json", JSON, 24),
    ("merge ds --out o", ("ds",), "ds/manifest.json", JSON, 12),
    ("merge ds2 --out ds", ("ds", "ds2"), "ds/manifest.json", JSON, 8),
    (f"{_REFERENCES} ds", ("ds", "tiny.yaml"), "ds/manifest.json", JSON, 8),
    ("eval --model python/mod:make --data ds", ("ds", "mod.py"), "ds/data/*/*.parquet", SPLIT, 24),
    ("merge ds --out o", ("ds",), "ds/data/*/*.parquet", (*SPLIT, *BYTES), 16),
    (
        "leaderboard render --results results",
        ("results", "README.md"),
        "results/**/*.json",
        JSON,
        32,
    ),
    ("leaderboard render --results results", ("results", "README.md"), "README.md", TEXT, 12),
    ("score p.parquet", ("p.parquet",), "p.parquet", PREDICTIONS, 36),
    ("score p.parquet --results made --json", ("p.parquet",), "p.parquet", PREDICTIONS, 12),
    ("compare p.parquet q.parquet", ("p.parquet", "q.parquet"), "q.parquet", PREDICTIONS, 20),
    (
        "build --classes koala --images 1 --out o --recipe tiny.yaml",
        ("tiny.yaml",),
        "tiny.yaml",
        YAML,
        60,
    ),
    (ABLATE, ("tiny.yaml",), "tiny.yaml", YAML[3:], 12),
    (
        f"{_IMPORT} listed",
        ("listed",),
        "listed/manifest.csv",
        (spoiled.csv_cells, spoiled.csv_cells, *TEXT),
        24,
    ),
    (
        f"{_ONNX_EVAL} listed",
        ("listed", *ONNX),
        "listed/manifest.csv",
        (spoiled.csv_cells, *TEXT),
        12,
    ),
    (
        f"{_ONNX_EVAL} dsi --val kaggle",
        ("dsi", "kaggle", *ONNX),
        "kaggle/*.csv",
        (spoiled.csv_cells, *TEXT),
        12,
    ),
    (
        f"{_ONNX_EVAL} dsi --val hf",
        ("dsi", "hf", *ONNX),
        "hf/*.parquet",
        (spoiled.parquet, *BYTES),
        16,
    ),
    (f"{_ONNX_EVAL} dsi --val val", ("dsi", "val", *ONNX), "val/*/*.png", PICTURE, 12),
    (
        "eval --data ds --limit 1 --models models.txt",
        ("ds", "models.txt"),
        "models.txt",
        (spoiled.text_line, *TEXT),
        16,
    ),
    (
        f"{_ONNX_EVAL} dsi --label-space labels.txt",
        ("dsi", "labels.txt", *ONNX),
        "labels.txt",
        (spoiled.text_line, *TEXT),
        16,
    ),
    (
        "eval --model micro/vit --data ds --limit 1 --weights w.pt",
        ("ds", "w.pt"),
        "w.pt",
        (spoiled.checkpoint, spoiled.checkpoint, *BYTES),
        20,
    ),
    (
        "eval --model micro/vit --data ds --limit 1 --weights w.safetensors",
        ("ds", "w.safetensors"),
        "w.safetensors",
        BYTES,
        10,
    ),
    ("eval --data dsi --limit 1 --model onnx/m.onnx", ("dsi", *ONNX), "m.onnx", BYTES, 14),
    ("eval --data dsi --limit 1 --model onnx/m.onnx", ("dsi", *ONNX), "m.onnx.json", JSON, 20),
    (
        f"{_IMPORT} si.zip",
        ("si.zip",),
        "si.zip",
        (spoiled.zipped_oddly, spoiled.zipped_oddly, *BYTES),
        24,
    ),
    (f"{_ONNX_EVAL} si.zip", ("si.zip", *ONNX), "si.zip", (spoiled.zipped_oddly, *BYTES), 12),
    (f"{_IMPORT} si", ("si",), "si/*/*.png", PICTURE, 24),
    (f"{_ONNX_EVAL} si", ("si", *ONNX), "si/*/0.png", PICTURE, 16),
    (f"{_ONNX_EVAL} si --skip-unreadable", ("si", *ONNX), "si/*/0.png", PICTURE, 12),
    (f"{_REFERENCES} own", ("own", "tiny.yaml"), "own/*.png", PICTURE, 12),
    (
        "eval --model python/mod:make --data ds --batch-size 1",
        ("ds", "mod.py", "unfinished"),
        "results/.unfinished/*/*",
        (*BYTES, spoiled.written_otherwise),
        20,
    ),
    (
        "build --classes koala --recipe tiny.yaml --images 2 --out built",
        ("tiny.yaml", "built.work"),
        "built.work/**/*",
        BYTES,
        24,
    ),
)
"""Command, what it reads, the file that is spoiled, how, and how often."""


@dataclass(frozen=True)
class Case:
    """A call: its command, its words, the good things that it reads, what is spoiled (done in the
    case's folder, it says how), the surroundings; ``bad``: whether it must be refused."""

    command: str
    words: tuple[str, ...]
    parts: tuple[str, ...]
    spoil: Callable[[Path, random.Random], str]
    bad: bool = False
    around: str = ""


def every_case(seed: int) -> list[Case]:
    """All cases; the seed decides what is drawn."""
    rng = random.Random(seed)
    found = [*_places(rng), *_words(rng), *_names(rng), *_files(rng), *_options(rng), *_around()]
    rng.shuffle(found)
    return found


def _command(words: list[str]) -> str:
    return " ".join(words[:2]) if words[0] == "leaderboard" else words[0]


def _nothing(folder: Path, rng: random.Random) -> str:
    return ""


def _places(rng: random.Random) -> Iterator[Case]:
    """Something else where a good file or folder is expected."""
    for slot in SLOTS:
        for kind in odd.PLACES:
            if slot.output and kind not in {
                "gone",
                "without permission",
                "in a shut folder",
                "write only",
            }:
                where = slot.path
            elif slot.output and kind != "gone":
                where = "made"
            else:
                where = slot.path

            def spoil(folder: Path, rng: random.Random, slot: Slot = slot, kind: str = kind) -> str:
                path = folder / slot.path
                if slot.output and not path.exists():
                    path.mkdir()
                odd.PLACES[kind](path)
                return f"{slot.path}: {kind}"

            fine = slot.output and kind in {"gone", "an empty folder"}
            words = slot.line(where)
            yield Case(_command(words), tuple(words), _parts(slot), spoil, bad=not fine)


def _parts(slot: Slot) -> tuple[str, ...]:
    return slot.also if slot.output else (slot.path, *slot.also)


def _words(rng: random.Random) -> Iterator[Case]:
    """Paths that lead nowhere, or somewhere else."""

    def spoil(folder: Path, rng: random.Random) -> str:
        odd.places(folder)
        return "an odd path"

    for slot in SLOTS:
        for word in rng.sample(odd.WORDS, 8):
            words = slot.line(word)
            yield Case(_command(words), tuple(words), (*_parts(slot), "README.md"), spoil)


def _names(rng: random.Random) -> Iterator[Case]:
    """Good things under odd names."""
    for slot in SLOTS:
        for name in rng.sample(odd.NAMES, 3):

            def spoil(folder: Path, rng: random.Random, slot: Slot = slot, name: str = name) -> str:
                if not slot.output:
                    (folder / slot.path).rename(folder / (name + Path(slot.path).suffix))
                return f"{slot.path} is called {name!r}"

            words = slot.line(name + Path(slot.path).suffix)
            yield Case(_command(words), tuple(words), _parts(slot), spoil)


def _files(rng: random.Random) -> Iterator[Case]:
    """Files whose bytes are not what they should be."""
    for line, parts, pattern, spoils, count in FILES:
        words = shlex.split(line)
        for number in range(count):
            spoil = partial(_spoil_one, pattern=pattern, spoil=spoils[number % len(spoils)])
            yield Case(_command(words), tuple(words), parts, spoil)


def _spoil_one(folder: Path, rng: random.Random, pattern: str, spoil: Spoil) -> str:
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    path = rng.choice(files)
    return f"{path.relative_to(folder)}: {spoil(path, rng)}"


def valued_options() -> dict[str, list[tuple[str, bool]]]:
    """Of every command the options that take a value, and whether that is a number."""
    from spurbench.cli import app, mount_commands

    found: dict[str, list[tuple[str, bool]]] = {}

    def look(command: Any, name: str) -> None:
        below = getattr(command, "commands", {})
        for word, inner in below.items():
            look(inner, f"{name} {word}".strip())
        if not below:
            found[name] = [
                (max(p.opts, key=len), p.metavar == "N")
                for p in command.params
                if p.param_type_name == "option" and not getattr(p, "is_flag", False)
            ]

    with unmounted():
        mount_commands()
        look(typer.main.get_command(app), "")
    return found


def _options(rng: random.Random) -> Iterator[Case]:
    """Odd values of every option, and odd words where a command takes none."""
    for command, options in valued_options().items():
        line, parts = BASES[command]
        base = shlex.split(line)
        for option, numeric in options:
            values = odd.NUMBERS if numeric else odd.TEXTS
            for value in rng.sample(values, 11 if numeric else 8):
                if "\0" not in value:
                    yield Case(command, (*base, option, value), parts, _nothing)
        for value in rng.sample(odd.TEXTS, 4):
            yield Case(command, (*base, value), parts, _nothing)
        for value in ("--nope", "--", "--json=1", "-x", "--help=3"):
            yield Case(command, (*base, value), parts, _nothing)
    for kind in rng.sample(odd.TEXTS, 20):
        yield Case("list", ("list", kind), (), _nothing)


def _around() -> Iterator[Case]:
    """Good calls in odd surroundings."""
    for name in AROUND:
        for command, (line, parts) in BASES.items():
            yield Case(command, tuple(shlex.split(line)), parts, _nothing, around=name)
