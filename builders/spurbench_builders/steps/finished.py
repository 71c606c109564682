"""A build as a sequence of finished, hashed steps in a work folder.

A step works in ``.NAME.part`` and the folder is renamed to ``NAME`` when it is whole, so a step
is either finished or not there; what a killed step left in its part folder it may use again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spurbench.errors import UserError
from spurbench.files import remove_tree, sha256_file, sync, write_text
from spurbench.locks import held
from spurbench.reading import make_folder, read_json
from spurbench_builders.progress import Progress

SEAL = "step.json"
INPUTS = "inputs.json"


Make = Callable[[Path], Iterator[Progress]]


def run_step(root: Path, name: str, make: Make, key: str | None = None) -> Iterator[Progress]:
    """Run a step unless it is finished; a finished one whose files were altered is made again.

    ``key`` is a hash of all that the step is made from, for `borrow_step`.
    """
    finished = root / name
    if finished.is_dir():
        if is_sealed(finished):
            return
        remove_tree(finished)
    part = part_folder(root, name)
    yield from make(part)
    if key:
        save_json(part / INPUTS, {"key": key})
    _seal(part)
    part.rename(finished)
    sync(root)  # a rename is on the disk only once its folder is


def part_folder(root: Path, name: str) -> Path:
    """Where a step works before it is whole."""
    part = root / f".{name}.part"
    make_folder(part)
    return part


def is_finished(root: Path, name: str) -> bool:
    """Whether a step is there whole and unaltered."""
    return is_sealed(root / name)


def borrow_step(root: Path, name: str, key: str) -> bool:
    """Take over a finished step of another build in the same place that was made from the same
    inputs: its ``inputs.json`` holds the same key. Files are linked where that works."""
    for inputs in sorted(root.parent.glob(f"*/{name}/{INPUTS}")):
        if stored(inputs).get("key") == key and is_sealed(inputs.parent):
            part = part_folder(root, name)
            remove_tree(part)
            remove_tree(root / name)
            shutil.copytree(inputs.parent, part, copy_function=_link)
            part.rename(root / name)
            sync(root)
            return True
    return False


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def is_sealed(folder: Path) -> bool:
    """Whether a finished step's files are those it was sealed with."""
    recorded = stored(folder / SEAL)
    return bool(recorded) and recorded == _hashes(folder)


def stored(path: Path) -> dict[str, Any]:
    """A JSON mapping of the work folder's, empty where it is absent or damaged."""
    try:
        value = load_json(path)
    except (OSError, UserError):
        return {}
    return value if isinstance(value, dict) else {}


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
    return read_json(path)


def picture_files(folder: Path) -> list[Path]:
    """A finished step's pictures, in order."""
    return sorted(folder.glob("*.png"))


def append_line(path: Path, index: int, line: str) -> None:
    """Make ``line`` the file's line number ``index``, dropping what a killed run wrote beyond."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    kept = "".join(f"{known}\n" for known in text.split("\n")[:index])
    if kept != text:
        write_text(path, kept)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the work folder for one process at a time; the lock goes with the process."""
    with held(root / ".lock") as mine:
        if not mine:
            raise UserError(
                f"{root}: another build of this is running; wait for it, or stop it first"
            )
        yield
