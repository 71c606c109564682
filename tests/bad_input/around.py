"""Surroundings of a process: where its streams lead, what it may do, what the environment says."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

PR_CAPBSET_DROP = 24
DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2
"""Capabilities by which root reads and writes what permissions forbid."""


def as_anyone() -> None:
    """Give up root's way past permissions: they then hold for files of its own too."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (
        DAC_OVERRIDE,
        DAC_READ_SEARCH,
    ):  # else a program that is started has them again
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    for word in (0, 1):  # what is in effect, and what may be
        data[word] &= ~((1 << DAC_OVERRIDE) | (1 << DAC_READ_SEARCH))
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def _to(number: int, place: str) -> Callable[[], None]:
    def act() -> None:
        os.dup2(os.open(place, os.O_WRONLY), number)

    return act


def _left(number: int) -> Callable[[], None]:
    """A pipe whose reader has gone."""

    def act() -> None:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, number)
        os.close(write)

    return act


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def act() -> None:
        first()
        second()

    return act


def _gone() -> None:
    folder = Path("gone")
    folder.mkdir()
    os.chdir(folder)
    shutil.rmtree(Path("..") / "gone")


def _limit(what: int, most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(what, (most, most))


def _says(**values: str) -> Callable[[], None]:
    return lambda: os.environ.update(values)


AROUND: dict[str, Callable[[], object]] = {
    "": lambda: None,
    "stdin closed": lambda: os.close(0),
    "stdout closed": lambda: os.close(1),
    "stderr closed": lambda: os.close(2),
    "all streams closed": lambda: os.closerange(0, 3),
    "stdout full": _to(1, "/dev/full"),
    "stderr full": _to(2, "/dev/full"),
    "both full": _both(_to(1, "/dev/full"), _to(2, "/dev/full")),
    "both left": _both(_left(1), _left(2)),
    "stdout left": _left(1),
    "stderr left": _left(2),
    "ascii": _says(PYTHONIOENCODING="ascii"),
    "cp1252": _says(PYTHONIOENCODING="cp1252"),
    "one column": _says(COLUMNS="1"),
    "no columns": _says(COLUMNS="x"),
    "a dumb terminal": _says(TERM="dumb", NO_COLOR="1", LANG="C"),
    "a working folder that is gone": _gone,
    "a working folder without permission": lambda: Path().chmod(0),
    "a read-only working folder": lambda: Path().chmod(0o500),
    "a full disk": _limit(resource.RLIMIT_FSIZE, 4096),
    "no disk at all": _limit(resource.RLIMIT_FSIZE, 0),
    "few open files": _limit(resource.RLIMIT_NOFILE, 24),
    "no rights for what is made": lambda: os.umask(0o777),
    "odd numbers of threads": _says(OMP_NUM_THREADS="²", WORLD_SIZE="1"),
    "odd processes": _says(WORLD_SIZE="x", RANK="y"),
    "no temporary folder": _says(TMPDIR="/nowhere"),
}
