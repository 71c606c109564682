"""Every number of a result against those that its predictions give."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from spurbench.errors import short
from spurbench.results import Result
from spurbench.scores.predictions import Predictions
from spurbench.scores.summary import result_of

TOLERANCE = 1e-9
"""Versions of numpy and scipy differ in the last digits of a float64."""


def faults(result: Result, predictions: Predictions) -> Iterator[str]:
    """Where the result is not the one that the predictions give: their scores, and what they say of
    model, data and environment."""
    try:
        given = _given(predictions)
    except ValueError as error:
        yield f"its predictions give no result ({error})"
        return
    yield from differences(result, given)


def differences(result: Result, given: Result) -> Iterator[str]:
    """Where a result differs from the one that is given."""
    yield from _differing(_by_place(result), _by_place(given), "")


def _given(predictions: Predictions) -> Result:
    """The result that the predictions give; ValueError, whatever a stranger's numbers make of a
    formula."""
    try:
        return result_of(predictions)
    except Exception as error:
        said = str(error).strip().split("\n")[0][:200]
        raise ValueError(f"{type(error).__name__}: {said}") from error


def _by_place(result: Result) -> dict[str, Any]:
    """The result as data, its scores by class and split; where predictions lie is no part of them."""
    data = result.model_dump(exclude={"hosted"})
    data["scores"] = {
        f"{score['slug']}/{score['split']}/{i}": score for i, score in enumerate(data["scores"])
    }
    return data


def _differing(said: Any, given: Any, where: str) -> Iterator[str]:
    if isinstance(said, dict) and isinstance(given, dict):
        for key in dict.fromkeys([*said, *given]):
            place = f"{where}.{key}".lstrip(".")
            if key not in said or key not in given:
                yield f"{place}: is {'missing' if key in given else 'not in its predictions'}"
            else:
                yield from _differing(said[key], given[key], place)
    elif isinstance(said, list) and isinstance(given, list) and len(said) == len(given):
        for i, (one, other) in enumerate(zip(said, given, strict=True)):
            yield from _differing(one, other, f"{where}.{i}")
    elif not _same(said, given):
        yield f"{where}: says {short(said)}, its predictions give {short(given)}"


def _same(said: Any, given: Any) -> bool:
    numbers = all(isinstance(v, float) for v in (said, given))
    if numbers:
        return math.isclose(said, given, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(said) is type(given) and bool(said == given)
