"""Which groups are run, in what time, and whether what they found is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from spurbench.files import sha256_file

from .stage import ROOT, Group, at_home

Record = dict[str, Any]


def source_sha256(module: str) -> str:
    """SHA-256 of a module's source as it is now."""
    return sha256_file(ROOT / at_home(module))


def changed(
    groups: Iterable[Group], record: Record, sha256: Callable[[str], str] = source_sha256
) -> list[Group]:
    """The groups, each with those of its modules alone that are recorded with another source."""
    found = []
    for group in groups:
        modules = tuple(
            module
            for module in group.modules
            if at_home(module) in record and record[at_home(module)]["sha256"] != sha256(module)
        )
        if modules:
            found.append(replace(group, modules=modules))
    return found


def share(found: Record) -> float:
    """The share of a module's mutants, of those tried, that the tests noticed; 1 where there are none."""
    return float(found["noticed"] / found["tried"]) if found["tried"] else 1.0


def below(found: dict[str, Record], floor: float) -> list[str]:
    """Modules of which less than the floor was noticed."""
    return [module for module, record in found.items() if share(record) < floor]


def in_time(
    groups: Iterable[Group], minutes: float | None, clock: Callable[[], float], left: list[Group]
) -> Iterator[Group]:
    """Groups that begin before the minutes are over by the clock (in seconds); the others go to
    ``left``."""
    began = clock()
    for group in groups:
        if minutes is not None and clock() - began >= 60 * minutes:
            left.append(group)
        else:
            yield group
