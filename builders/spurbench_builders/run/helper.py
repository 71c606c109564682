"""A process that builds classes for another one, the lead (side_by_side.py)."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import IO, TYPE_CHECKING

from spurbench.contracts import ClassCard
from spurbench.errors import UserError
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.progress import Progress

if TYPE_CHECKING:
    from spurbench_builders.models.needed import Models


def main() -> None:
    """Build the classes that come on stdin, after the request, until None comes."""
    # Ctrl-C in a terminal is for the lead, whose end is the end of this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    code = 1
    try:
        _work(sys.stdin.buffer, answers)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the lead goes on with the others
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # At once: the listening thread may hold stdin, which an orderly end would wait for.
        os._exit(code)


def _work(source: IO[bytes], answers: IO[bytes]) -> None:
    from spurbench.parallel import computing_with
    from spurbench_builders.threads import threads_for

    request: BuildRequest = pickle.load(source)
    given: queue.SimpleQueue[ClassCard | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, given), daemon=True).start()
    builder = _Builder(request)
    builder.prepare()
    with computing_with(threads_for(request.recipe.threads)):
        for card in iter(given.get, None):
            for event in builder.build(card):
                _say(event, answers)
            _say(None, answers)


def _listen(source: IO[bytes], given: queue.SimpleQueue[ClassCard | None]) -> None:
    """Hand on what the lead sends; where it ends unannounced, end this process at once."""
    try:
        while (card := pickle.load(source)) is not None:
            given.put(card)
    except (OSError, EOFError, pickle.UnpicklingError):
        os._exit(1)
    given.put(None)


def _say(event: Progress | None, answers: IO[bytes]) -> None:
    pickle.dump(event, answers)
    answers.flush()


class _Builder:
    """The request's classes, with networks that are loaded once."""

    def __init__(self, request: BuildRequest) -> None:
        self.request = request

    def prepare(self) -> None:
        """What takes seconds and can be done while the lead does the same and checks it."""
        from spurbench import plugins

        from . import classes  # noqa: F401

        recipe = self.request.recipe
        shipped = plugins.domain(recipe.domain).base_model(recipe.base)
        if shipped is not None:  # else the lead alone fetches, and this finds it in the cache
            with suppress(UserError):  # which is told of a class
                _ = self._models.identities

    def build(self, card: ClassCard) -> Iterator[Progress]:
        """Its events; the last is called ``failed`` where it cannot be built."""
        from .classes import one_after_another

        try:
            yield from one_after_another([card], self.request, self._models, self._models.team)
        except UserError as error:
            yield Progress(card.name, "failed", 1, 1, str(error))

    @cached_property
    def _models(self) -> Models:
        from spurbench import plugins
        from spurbench_builders.models.needed import Models
        from spurbench_builders.team import Team

        recipe = self.request.recipe
        return Models(recipe, plugins.domain(recipe.domain), Team(device="cpu"))
