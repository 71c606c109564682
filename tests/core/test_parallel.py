"""Threads work ahead, but neither order nor memory nor errors notice."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator

import pytest

from spurbench.parallel import cores, ordered_map


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_results_come_in_order(workers: int) -> None:
    def slow(i: int) -> int:
        time.sleep(random.random() / 500)
        return i * i

    assert list(ordered_map(slow, range(60), workers, 5)) == [i * i for i in range(60)]


def test_no_more_than_the_look_ahead_is_drawn() -> None:
    drawn = []

    def items() -> Iterator[int]:
        for i in range(1000):
            drawn.append(i)
            yield i

    results = ordered_map(lambda i: i, items(), 2, 5)
    assert next(results) == 0
    time.sleep(0.3)
    assert len(drawn) <= 1 + 5 + 2
    results.close()


def test_errors_stand_where_their_result_would() -> None:
    def fussy(i: int) -> int:
        if i == 3:
            raise LookupError("three")
        return i

    got: list[int] = []
    with pytest.raises(LookupError, match="three"):
        got.extend(ordered_map(fussy, range(10), 2, 4))
    assert got == [0, 1, 2]

    def broken() -> Iterator[int]:
        yield 1
        raise LookupError("items")

    with pytest.raises(LookupError, match="items"):
        list(ordered_map(fussy, broken(), 2, 4))


def test_threads_end_with_the_loop() -> None:
    before = threading.active_count()
    for value in ordered_map(lambda i: i, range(1000), 3, 4):
        if value == 5:
            break
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_threads_work_as_were_asked_for(workers: int) -> None:
    """Each waits until all are at work: with fewer it would not end, and one more is never there."""
    barrier, names = threading.Barrier(workers, timeout=20), set()

    def meet(i: int) -> int:
        barrier.wait()
        names.add(threading.current_thread().name)
        return i

    assert list(ordered_map(meet, range(workers * 4), workers, 8)) == list(range(workers * 4))
    assert threading.current_thread().name not in names


def test_work_goes_on_while_the_first_result_is_awaited() -> None:
    """All of the look-ahead is computed before anything is asked for again."""
    done = [threading.Event() for _ in range(4)]

    def mark(i: int) -> int:
        done[i].set()
        return i

    results = ordered_map(mark, range(4), 1, 4)
    assert next(results) == 0
    assert all(event.wait(20) for event in done)
    assert list(results) == [1, 2, 3]


def test_a_look_ahead_of_one_is_enough() -> None:
    assert list(ordered_map(lambda i: -i, range(30), 2, 1)) == [-i for i in range(30)]
    assert list(ordered_map(lambda i: -i, [], 2, 1)) == []


def test_what_was_not_begun_when_the_loop_ended_is_not_done() -> None:
    begun, go = [], threading.Event()

    def wait(i: int) -> int:
        begun.append(i)
        if i:
            go.wait(20)
        return i

    results = ordered_map(wait, range(100), 1, 6)
    assert next(results) == 0
    threading.Timer(0.3, go.set).start()  # while closing waits for what has begun
    results.close()
    assert begun in ([0], [0, 1]), "those that wait in line are cancelled"


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 32)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 9} if pid == 0 else set())
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 32
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1
