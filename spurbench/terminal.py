"""What every command says beside its results: what it waits for, and how to go on after a signal."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .printing import tell

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 5.0


class Stopped(BaseException):
    """A signal asked the command to end. No Exception: nothing may take it for a failure of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self._told = False

    @property
    def code(self) -> int:
        """The exit code that shells know: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.number

    def tell(self) -> None:
        """Say once, on stderr, how to go on."""
        if self._told:
            return
        self._told = True
        name = signal.Signals(self.number).name
        tell(f"spurbench: stopped by {name}; the same command goes on from what is finished")


@contextmanager
def stopping() -> Iterator[None]:
    """Within, SIGINT and SIGTERM raise Stopped in the main thread. Where that does not end the command
    in a few seconds (a library waits for its threads), or the signal comes again, the process ends:
    whatever is written is whole or not there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is _stop:  # else it came: what comes now ends the process
                signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    stopped = Stopped(number)
    for each in SIGNALS:
        signal.signal(each, lambda *_: _end(stopped))
    timer = threading.Timer(PATIENCE_SECONDS, _end, (stopped,))
    timer.daemon = True
    timer.start()
    raise stopped


def _end(stopped: Stopped) -> None:
    stopped.tell()
    os._exit(stopped.code)


def loading(*packages: str) -> str:
    """What to say before packages are imported that take seconds; empty where they are there."""
    missing = [package for package in packages if package not in sys.modules]
    return f"loading {' and '.join(missing)} ..." if missing else ""


def announce(command: str, *packages: str) -> None:
    """Say on stderr that a command waits for packages, if it does."""
    line = loading(*packages)
    if line:
        tell(f"spurbench {command}: {line}")
