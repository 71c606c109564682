"""Why a mutant may live: what people wrote in reasons/GROUP.yaml, put beside the survivors.

A file maps a module, as groups.yaml writes it, to a list of ``function``, ``reason`` and, where a
function has several survivors, a part of the line ``after`` the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "reasons"


@dataclass(frozen=True)
class Reason:
    """Why mutants of a function that match may live."""

    module: str
    function: str
    after: str
    reason: str

    def fits(self, module: str, survivor: dict[str, str]) -> bool:
        """Whether it is about that survivor. Spaces count alike, however many."""
        return (
            self.module == module
            and self.function == survivor["function"]
            and _spaced(self.after) in _spaced(survivor["after"])
        )


def reasons(folder: Path = FOLDER) -> list[Reason]:
    """Everything in the folder's files; SystemExit where an entry lacks something."""
    return [reason for path in sorted(folder.glob("*.yaml")) for reason in _read(path)]


def explained(
    module: str, survivors: Iterable[dict[str, str]], known: Iterable[Reason]
) -> list[dict[str, str]]:
    """The survivors, each with the first reason that fits it; one that none fits stays as it is."""
    every = list(known)
    found = []
    for survivor in survivors:
        bare = {name: value for name, value in survivor.items() if name != "reason"}
        why = next((r.reason for r in every if r.fits(module, bare)), None)
        found.append(bare if why is None else {**bare, "reason": why})
    return found


def idle(
    modules: Iterable[str], survivors: dict[str, list[dict[str, str]]], known: Iterable[Reason]
) -> list[Reason]:
    """Reasons about these modules that fit no survivor any more."""
    those = set(modules)
    return [
        reason
        for reason in known
        if reason.module in those
        and not any(reason.fits(reason.module, s) for s in survivors.get(reason.module, []))
    ]


def _read(path: Path) -> list[Reason]:
    content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    found = []
    for module, entries in content.items():
        for entry in entries:
            unknown = set(entry) - {"function", "after", "reason"}
            if unknown or not entry.get("function") or not entry.get("reason"):
                raise SystemExit(f"{path.name}: {module}: give function, reason and maybe after")
            words = {name: str(value) for name, value in entry.items()}
            found.append(
                Reason(module, words["function"], words.get("after", ""), _spaced(words["reason"]))
            )
    return found


def _spaced(text: str) -> str:
    return " ".join(text.split())
