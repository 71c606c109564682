"""Classes side by side on a CPU: helpers, processes beside the lead, take the next class when free.

A helper (helper.py) is a fresh interpreter that gets pickles on its stdin and answers on its stdout.
Its stdin closes when the lead ends, however it ends, and then it ends at once: nothing is written
that nobody waits for. (multiprocessing would import the caller's script again in each of them, which
a script without `if __name__ == "__main__"` does not survive.)
"""

from __future__ import annotations

import json
import pickle
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from spurbench.contracts import ClassCard
from spurbench.errors import UserError
from spurbench.parallel import cores
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team, launched
from spurbench_builders.threads import threads_for

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from spurbench_builders.run.helper import main; main()"
)


def processes(request: BuildRequest) -> int:
    """How many processes build the request's classes: as the cores allow or as asked, but one on a
    GPU, and for one of the processes of `accelerate launch`."""
    classes = len(request.classes)
    most = request.jobs or max(1, cores() // threads_for(request.recipe.threads))
    if classes < 2 or most == 1 or launched() > 1:
        return 1
    if Team(device=request.recipe.device).device.type != "cpu":
        if request.jobs:
            raise UserError(
                f"--jobs {request.jobs}: on a GPU classes are built one after another; leave it out"
            )
        return 1
    return min(most, classes)


class Crew:
    """The lead and its helpers, who share the request's classes."""

    def __init__(self, request: BuildRequest) -> None:
        self.request = request
        self._todo = deque(request.classes)
        self._said: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        self._good = threading.Event()
        self._stopped = False
        self.helpers: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []

    def take(self) -> ClassCard | None:
        """The next class that nobody builds; None where none is left."""
        try:
            return self._todo.popleft()
        except IndexError:
            return None

    @property
    def remaining(self) -> int:
        """How many classes nobody has taken yet."""
        return len(self._todo)

    def together(self, own: Iterator[Progress]) -> Iterator[Progress]:
        """The lead's own events and the helpers' as they come, until all have ended."""
        self._good.set()
        for event in own:
            yield from self._waiting()
            yield event
        at_work = len(self._threads)
        while at_work:
            said = self._said.get()
            if said is None:
                at_work -= 1
            else:
                yield said

    def start(self) -> None:
        """Start a helper: it imports what it needs, and gets a class once ``together`` begins."""
        words = [sys.executable, "-c", START, json.dumps(sys.path)]
        helper = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.helpers.append(helper)
        thread = threading.Thread(target=self._serve, args=(helper,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """End every helper now; those that have done their work have ended by themselves."""
        self._stopped = True
        self._good.set()
        for helper in self.helpers:
            helper.kill()
        for helper, thread in zip(self.helpers, self._threads, strict=True):
            helper.wait()
            thread.join()
            for pipe in (helper.stdin, helper.stdout):
                with suppress(OSError):
                    cast(IO[bytes], pipe).close()

    def _waiting(self) -> Iterator[Progress]:
        """What the helpers have said since. (That one has ended is left for the end.)"""
        ended = 0
        with suppress(queue.Empty):
            while True:
                said = self._said.get_nowait()
                if said is None:
                    ended += 1
                else:
                    yield said
        for _ in range(ended):
            self._said.put(None)

    def _serve(self, helper: subprocess.Popen[bytes]) -> None:
        """Give the helper one class after another, and pass on what it says, in a thread of its own."""
        card = None
        try:
            _send(helper, self.request)
            self._good.wait()
            while not self._stopped and (card := self.take()) is not None:
                _send(helper, card)
                while (event := pickle.load(cast(IO[bytes], helper.stdout))) is not None:
                    self._said.put(event)
            card = None
            _send(helper, None)
        except (OSError, EOFError, pickle.UnpicklingError):
            if card is not None and not self._stopped:
                why = f"{card.name}: the process that built it ended ({helper.wait()})"
                self._said.put(Progress(card.name, "failed", 1, 1, f"{why}; run the same again"))
        finally:
            self._said.put(None)


def _send(helper: subprocess.Popen[bytes], value: Any) -> None:
    pipe = cast(IO[bytes], helper.stdin)
    pickle.dump(value, pipe)
    pipe.flush()


@contextmanager
def crew(request: BuildRequest, helpers: int) -> Iterator[Crew]:
    """A crew with so many helpers, none of which is left afterwards."""
    them = Crew(request)
    try:
        for _ in range(helpers):
            them.start()
        yield them
    finally:
        them.end()
