"""Locks between processes that share a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .reading import make_folder, placed


@contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock file ``path`` for the body: True, or False where another process has it and we
    do not ``wait``. The system drops the lock of a process that dies, however it dies; the file
    stays, and may be removed by whoever holds it. Raises OSError where it cannot be made."""
    from filelock import FileLock, Timeout

    make_folder(path.parent)
    # FileLock would ask again and again for what cannot be opened.
    with placed(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
    lock = FileLock(path, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
