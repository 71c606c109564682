"""Work done ahead in threads, with results in order."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

POLL_SECONDS = 0.1


def cores() -> int:
    """Processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # where the system confines processes
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """So many threads of torch for the body, and the caller's own number again after it: sums are
    rounded otherwise with other numbers of them, and more than one wait for each other where a core
    is busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ordered_map(
    function: Callable[[T], R], items: Iterable[T], workers: int, ahead: int
) -> Generator[R]:
    """``function`` of each item, in the items' order, computed in ``workers`` threads.

    At most ``ahead`` results wait, so memory stays flat. The items are drawn in a thread of their
    own. An exception of the function or of the items is raised where its result would stand.
    Close the generator (contextlib.closing) where the loop over it may end early: until then its
    threads wait, and the interpreter waits for them.
    """
    waiting: queue.Queue[Future[R] | None] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(future: Future[R] | None) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(future, timeout=POLL_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    def feed() -> None:
        try:
            for item in items:
                if not put(pool.submit(function, item)):
                    break
        finally:
            put(None)

    with ThreadPoolExecutor(workers + 1) as pool:
        feeding = pool.submit(feed)
        try:
            while (future := waiting.get()) is not None:
                yield future.result()
            feeding.result()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
