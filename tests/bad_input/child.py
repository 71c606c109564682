"""A case run in a forked child of a process that has imported everything: as a fresh interpreter would
run the command, in a fraction of a second."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .around import AROUND, as_anyone


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (None: it hung), and what it said."""

    code: int | None
    out: str
    err: str
    seconds: float


def run(
    words: Sequence[str], folder: Path, around: str, bound: float, main: Callable[[], object]
) -> Ended:
    """Run ``main`` in a child with these words in the folder, for ``bound`` seconds at most."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(out_read)
        os.close(err_read)
        _become(words, folder, around, (out_write, err_write), main)
    os.close(out_write)
    os.close(err_write)
    said, ended = _listened({out_read: bytearray(), err_read: bytearray()}, began + bound)
    code = _code(child, ended)
    texts = [bytes(said[end]).decode("utf-8", "replace") for end in (out_read, err_read)]
    return Ended(code, texts[0], texts[1], time.monotonic() - began)


def _listened(said: dict[int, bytearray], until: float) -> tuple[dict[int, bytearray], bool]:
    """All that comes through the pipes, and whether they ended in time."""
    open_ends = set(said)
    while open_ends and (left := until - time.monotonic()) > 0:
        for end in select.select(open_ends, (), (), left)[0]:
            data = os.read(end, 1 << 16)
            said[end] += data
            if not data:
                open_ends.discard(end)
    for end in said:
        os.close(end)
    return said, not open_ends


def _code(child: int, ended: bool) -> int | None:
    """The exit code of a child, whose process group is ended; a closed stream may outlive its use."""
    deadline = time.monotonic() + (20 if ended else 0)
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found or time.monotonic() > deadline:
            break
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not found:
        os.waitpid(child, 0)
        return None
    return os.waitstatus_to_exitcode(status)


def _become(
    words: Sequence[str],
    folder: Path,
    around: str,
    ends: tuple[int, int],
    main: Callable[[], object],
) -> None:
    """Turn this process into the command; never returns."""
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(ends[0], 1)
        os.dup2(ends[1], 2)
        for number in range(3, 64):
            with contextlib.suppress(OSError):
                os.close(number)
        os.chdir(folder)
        as_anyone()
        AROUND[around]()
        sys.argv = ["spurbench", *words]
        for signal_ in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_, signal.SIG_DFL)
        _streams()
        code = _ended(main)
    finally:
        os._exit(code)


def _streams() -> None:
    """The standard streams as a fresh interpreter opens them."""
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream: io.TextIOWrapper | None = None
        try:
            os.fstat(number)
        except OSError:
            pass
        else:
            raw = io.FileIO(number, "w", closefd=False)
            errors = "strict" if number == 1 else "backslashreplace"
            stream = io.TextIOWrapper(
                io.BufferedWriter(raw), encoding, errors, line_buffering=number == 2
            )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _ended(main: Callable[[], object]) -> int:
    """Call it as an interpreter would, whose end flushes stdout; the exit code."""
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - the interpreter shows whatever it is
        if sys.stderr is not None:
            traceback.print_exc()
        code = 1
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        if sys.stderr is not None:
            print("Exception ignored while flushing stdout", file=sys.stderr)
        code = 120
    return code
