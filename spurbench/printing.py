"""Everything that a command prints goes out here: no name, encoding or closed stream ends a command in
a traceback, and what is one line stays one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from .errors import UserError, disk_reason

if TYPE_CHECKING:
    from rich.console import Console

LONGEST = 2000
"""Characters of a line; a wrong value of thousands tells nobody more."""


class ReaderGone(BaseException):
    """Who reads our output has closed it, as `head` does. No Exception: nothing may take it for a
    failure of its own."""

    code = 141
    """The exit code of a process that the system ends for this, as shells know it."""


def one_line(text: object) -> str:
    """Text as one line, whatever names it holds: what is not printable is escaped, and what is very
    long is cut."""
    said = str(text)
    shown = "".join(sign if sign.isprintable() else _escaped(sign) for sign in said[: LONGEST + 1])
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}... (cut)"


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def out(text: object = "") -> None:
    """A line on stdout."""
    print(one_line(text), flush=True)


def tell(text: object) -> None:
    """A line on stderr, if there is one that takes it."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:  # else print would take stdout
            print(one_line(text), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON value on a line of its own, which any encoding can hold."""
    print(json.dumps(value), flush=True)


def console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console that shows text as it is: no markup, emoji or colours for what looks like them."""
    from rich.console import Console

    return Console(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)


@contextmanager
def streams() -> Iterator[None]:
    """Within, stdout and stderr take every character, in an encoding that lacks it as an escape.

    Writing to a stdout that is full raises UserError, to one whose reader has gone ReaderGone; a stderr
    that takes nothing is no reason to fail. Raises UserError where stdout is closed.
    """
    _occupied()
    before = sys.stdout, sys.stderr
    sys.stderr = cast(TextIO, _Lenient(before[1] or Path(os.devnull).open("w")))  # noqa: SIM115
    try:
        if before[0] is None:
            raise UserError("standard output is closed; send it to a file or to /dev/null")
        sys.stdout = cast(TextIO, _Strict(before[0]))
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before


def settle() -> None:
    """Empty stdout and stderr for good: the interpreter would complain at its end of what cannot be
    written."""
    for stream in (sys.stdout, sys.stderr):
        _settle(stream)


def _occupied() -> None:
    """Give closed standard streams a place to go: else the next file opened would be taken for one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


def _settle(stream: TextIO | None) -> None:
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno() if stream else 1)


class _Stream:
    """A text stream that has a way to write every character."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Lenient(_Stream):
    """What cannot be written is dropped."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class _Strict(_Stream):
    """What cannot be written ends the command, with a line that says why."""

    def write(self, text: str) -> int:
        with _said():
            return int(self._stream.write(text))

    def flush(self) -> None:
        with _said():
            self._stream.flush()


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise UserError(f"cannot write to standard output ({disk_reason(error)})") from error
