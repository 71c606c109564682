"""A build as a sequence of finished, hashed steps in a work folder.

A step works in ``.NAME.part`` and the folder is renamed to ``NAME`` when it is whole, so a step
is either finished or not there; what a killed step left in its part folder it may use again.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spurbench.errors import UserError
from spurbench.files import remove_tree, sha256_file, sync, write_text

SEAL = "step.json"


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` units of a step of a class; ``note`` says more, such as the loss."""

    class_name: str
    step: str
    done: int
    total: int
    note: str = ""


Step = Callable[[Path], Iterator[Progress]]


def run_step(root: Path, name: str, make: Step) -> Iterator[Progress]:
    """Run a step unless it is finished; a finished one whose files were altered is made again."""
    finished = root / name
    if finished.is_dir():
        if is_sealed(finished):
            return
        remove_tree(finished)
    part = root / f".{name}.part"
    part.mkdir(parents=True, exist_ok=True)
    yield from make(part)
    _seal(part)
    part.rename(finished)
    sync(root)


def is_sealed(folder: Path) -> bool:
    """Whether a finished step's files are those it was sealed with."""
    seal = folder / SEAL
    if not seal.is_file():
        return False
    recorded = json.loads(seal.read_text(encoding="utf-8"))
    return bool(recorded == _hashes(folder))


def _seal(folder: Path) -> None:
    write_text(folder / SEAL, json.dumps(_hashes(folder), indent=1))


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SEAL)
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in files}


def save_json(path: Path, value: Any) -> None:
    """Write a step's findings as JSON."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def load_json(path: Path) -> Any:
    """Read a step's findings."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the work folder for one process at a time; the lock goes with the process."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{root}: another build of this is running; wait for it, or stop it first"
            ) from None
        yield
