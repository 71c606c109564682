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

from . import odd
from .around import AROUND
from .calls import BASES, FILES, SLOTS, Slot
from .good import unmounted
from .spoiled import Spoil


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

            def spoil(folder: Path, rng: random.Random, slot: Slot = slot, kind: str = kind) -> str:
                path = folder / slot.path
                if slot.output and not path.exists():
                    path.mkdir()
                odd.PLACES[kind](path)
                return f"{slot.path}: {kind}"

            fine = (slot.output or slot.empty) and kind in {"gone", "an empty folder"}
            words = slot.line(slot.path)
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
