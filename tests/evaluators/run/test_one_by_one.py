"""Models one after another: what becomes of each, and that one which fails stops none."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from spurbench.errors import UserError
from spurbench.scores.stored import Outcome
from spurbench_evaluators.run.model_list import ListedModel
from spurbench_evaluators.run.one_by_one import Ended, Failure, one_by_one


def listed(*specs: str) -> list[ListedModel]:
    return [
        ListedModel(spec, None, None, None, None, None, f"{spec} --x", line)
        for line, spec in enumerate(specs, 3)
    ]


def score(model: ListedModel) -> Outcome:
    if model.spec == "users":
        raise UserError("  first line\nsecond line\n")
    if model.spec == "faulty":
        raise LookupError("deep\ndown")
    if model.spec == "empty":
        raise MemoryError
    if model.spec == "stopped":
        raise KeyboardInterrupt
    return cast(Outcome, SimpleNamespace(of=model.spec))


def test_each_ends_in_its_outcome_or_its_failure_in_their_order() -> None:
    models = listed("a", "users", "faulty", "b")
    said: list[str] = []
    ended = list(one_by_one(models, score, said.append))
    assert said == ["1 of 4: a --x", "2 of 4: users --x", "3 of 4: faulty --x", "4 of 4: b --x"]
    assert [model for model, _ in ended] == models
    first, users, faulty, last = (cast(Any, end) for _, end in ended)
    assert (first.of, last.of) == ("a", "b")
    assert users == Failure("first line second line", None)
    assert faulty.error == "LookupError: deep down"
    assert faulty.traceback.startswith("Traceback (most recent call last):")
    assert faulty.traceback.endswith("LookupError: deep\ndown\n")
    assert 'raise LookupError("deep\\ndown")' in faulty.traceback


def test_a_fault_of_any_kind_stops_none() -> None:
    ended = list(one_by_one(listed("empty", "b"), score, lambda line: None))
    empty, last = (cast(Any, end) for _, end in ended)
    assert (empty.error, last.of) == ("MemoryError:", "b")
    assert empty.traceback.endswith("MemoryError\n")


def test_each_is_told_when_it_ends_and_an_interrupt_ends_all() -> None:
    said: list[str] = []
    ended: Iterator[Ended] = one_by_one(listed("a", "stopped", "b"), score, said.append)
    next(ended)
    assert said == ["1 of 3: a --x"]
    with pytest.raises(KeyboardInterrupt):
        next(ended)
    assert len(said) == 2


class Ring:
    """Knows itself, so that the collector alone frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_model_held_is_freed_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    living: weakref.WeakSet[Ring] = weakref.WeakSet()
    emptied: list[int] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(len(living)))
    initialised = [True]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: initialised[0])

    def ringed(model: ListedModel) -> Outcome:
        assert not living
        ring = Ring()
        living.add(ring)
        if model.spec == "faulty":
            raise LookupError(str(ring is not None))
        return score(model)

    gc.disable()
    try:
        ended = list(one_by_one(listed("a", "faulty", "b"), ringed, lambda line: None))
        assert [isinstance(end, Failure) for _, end in ended] == [False, True, False]
        assert emptied == [0, 0, 0], "the GPU's memory is given back once nothing holds it"
        initialised[0] = False
        list(one_by_one(listed("a"), ringed, lambda line: None))
        assert len(emptied) == 3
    finally:
        gc.enable()
