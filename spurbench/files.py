"""Files that are either whole or not there, and hashes that say what they hold."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from .errors import TOO_MANY, UserError, disk_reason, to_mend
from .reading import make_folder, placed

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "writing is not permitted",
    errno.EPERM: "writing is not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "part of the path is a file",
    errno.EEXIST: "a file of that name is in the way",
    errno.EISDIR: "a folder of that name is in the way",
    errno.ENAMETOOLONG: "the name is too long",
}
"""Why something cannot be written, where the system's own words do not say it of writing."""


def sha256_bytes(data: bytes) -> str:
    """Hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_json(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return sha256_bytes(canonical_json(value).encode())


@cache
def packages_sha256(names: tuple[str, ...]) -> str:
    """SHA-256 over the Python files of packages, by name and contents; the same wherever they lie."""
    files = {}
    for name in names:
        found = find_spec(name)
        for place in (found and found.submodule_search_locations) or ():
            root = Path(place)
            for path in root.rglob("*.py"):
                files[f"{name}/{path.relative_to(root).as_posix()}"] = sha256_file(path)
    return sha256_json(files)


def sync(path: Path) -> None:
    """Ask the system to put a file or folder's contents on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, aside; it is renamed into place at the end: readers see the old file or
    the new one. It has the mode of the one that it replaces."""
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.part")
    try:
        with placed(part):
            file = part.open("wb")
        with file:
            yield file
        with suppress(FileNotFoundError):  # where there is none yet, the system's usual mode
            part.chmod(stat.S_IMODE(path.stat().st_mode))
        sync(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """As write_bytes, for UTF-8 text."""
    write_bytes(path, text.encode())


def copy_file(source: Path, target: Path) -> None:
    """Copy aside, then rename into place."""
    write_bytes(target, source.read_bytes())


def remove_tree(path: Path) -> None:
    """Remove a folder if it is there; of a link to one the link."""
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


@contextmanager
def friendly_disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk or a folder that refuses writing into a UserError naming the folder."""
    try:
        yield
    except OSError as error:
        mended = to_mend(error)
        if mended is None:
            raise
        if error.errno in TOO_MANY:  # which says nothing of the folder
            raise mended from error
        place = folder if error.filename is None else error.filename
        reason = REASONS.get(error.errno or 0) or disk_reason(error)
        raise UserError(
            f"cannot write {place}: {reason}; mend that or choose another folder, then run "
            "the same command again: what is finished is kept"
        ) from error
