"""Threads work ahead, but neither order nor memory nor errors notice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from spurbench.parallel import ordered_map


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
