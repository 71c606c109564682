"""Results that are one result: a model that stands twice in a table, answers that are another's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spurbench.results import Result
from spurbench.scores.predictions import Predictions

from .findings import Finding, shown
from .submission import Submission

CLOSE_MEANS = 2e-3
"""Mean probabilities of a class that differ by less, in every class and split, are looked into."""
CLOSE_ODDS = 0.02
CLOSE_SHARE = 0.95
"""Answers are another's where this share of the log odds differs by less than CLOSE_ODDS: two
trainings of one network on one data set differ by far more at most pictures."""
Load = Callable[[Submission], Predictions | None]


@dataclass(frozen=True)
class _Pair:
    """Two results of which the second is told about."""

    first: Submission
    second: Submission

    def finding(self, rule: str, message: str) -> Finding:
        return self.second.finding(rule, f"{message} {shown(self.first.path)}")


def find(results: Sequence[Submission], newer: set[Path], load: Load) -> Iterator[Finding]:
    """Findings about results, at least one of each pair being ``newer``; ``load`` gives predictions
    that can be read."""
    tables: dict[tuple[str, ...], list[Submission]] = defaultdict(list)
    for each in results:
        data = each.result.data
        tables[data.domain, data.version, data.fingerprint].append(each)
    for _, group in sorted(tables.items()):
        vectors = [_means(each.result) for each in group]
        for (i, one), (j, other) in combinations(enumerate(group), 2):
            if newer & {one.path, other.path}:
                pair = _Pair(one, other) if other.path in newer else _Pair(other, one)
                yield from _of_pair(pair, vectors[i], vectors[j], load)


def _of_pair(
    pair: _Pair, means: dict[str, float], others: dict[str, float], load: Load
) -> Iterator[Finding]:
    one, other = pair.first.result, pair.second.result
    if one.predictions_sha256 == other.predictions_sha256:
        yield pair.finding("duplicate", "has the predictions of")
        return
    if _table(one) == _table(other) and one.model.weights_sha256 == other.model.weights_sha256:
        if _dtype(one) == _dtype(other):
            yield pair.finding("duplicate", "is of the same weights, in the same table, as")
        return
    if one.model.weights_sha256 == other.model.weights_sha256 or not _close(means, others):
        return
    loaded = load(pair.first), load(pair.second)
    if loaded[0] is not None and loaded[1] is not None and alike(loaded[0], loaded[1]):
        yield pair.finding("duplicate", "says of the pictures, one by one, the same as")


def _table(result: Result) -> tuple[object, ...]:
    """Equal for results that stand in one table of the leaderboard."""
    data, model = result.data, result.model
    selection = data.selection.model_dump_json() if data.selection else ""
    validation = data.validation.fingerprint if data.validation else ""
    framing = model.framing or str(model.transform.get("framing"))
    return framing, validation, selection


def _dtype(result: Result) -> str:
    return result.environment.get("dtype", "float32")


def _means(result: Result) -> dict[str, float]:
    return {f"{score.slug}/{score.split}": score.mean_probability for score in result.scores}


def _close(one: dict[str, float], other: dict[str, float]) -> bool:
    both = one.keys() & other.keys()
    return bool(both) and all(abs(one[key] - other[key]) < CLOSE_MEANS for key in both)


def alike(one: Predictions, other: Predictions) -> bool:
    """Whether the answers to the pictures that both have are the same, but for little."""
    first, second = _odds(one), _odds(other)
    both = sorted(first.keys() & second.keys())
    if not both:
        return False
    a, b = (np.array([odds[key] for key in both]) for odds in (first, second))
    return bool(_near(a, b).mean() >= CLOSE_SHARE)


def _near(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(a - b) <= CLOSE_ODDS * np.maximum(1.0, np.minimum(np.abs(a), np.abs(b)))


def _odds(predictions: Predictions) -> dict[tuple[str, str, int], float]:
    """Log odds of the class by slug, split and index."""
    names = ("slug", "split", "index", "class_log_odds")
    rows = zip(*(predictions.table[name].to_pylist() for name in names), strict=True)
    return {(slug, split, index): odds for slug, split, index, odds in rows}
