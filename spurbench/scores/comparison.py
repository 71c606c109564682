"""Models against one another on the same pictures: consistency, and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from pydantic import BaseModel, ConfigDict

from spurbench.errors import UserError
from spurbench.results import Interval
from spurbench.scores.metrics import fleiss_kappa, fooled_by_all
from spurbench.scores.statistics import clustered_mean, paired_test

from .predictions import Predictions
from .summary import Groups, finite, groups


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Consistency(_Record):
    """How a split's pictures fool all the models: the share that every model takes for the class
    (mean over classes, interval clustered by class), and Fleiss' kappa of hit or miss, over all
    pictures; None where all ratings are the same."""

    split: str
    pictures: int
    fooled_by_all: Interval
    fleiss_kappa: float | None


class Difference(_Record):
    """Top-1 of ``first`` minus that of ``second`` on a split, by paired bootstrap clustered by
    class; no interval and no p-value with one class alone."""

    first: str
    second: str
    split: str
    difference: Interval
    p_value: float | None


class Comparison(_Record):
    """Two models or more on the same pictures, over the full head."""

    models: list[str]
    consistency: list[Consistency]
    differences: list[Difference]


def compare(predictions: Sequence[Predictions]) -> Comparison:
    """Compare predictions of two models or more; UserError unless they are of the same pictures."""
    if len(predictions) < 2:
        raise UserError("a comparison needs the predictions of two models or more")
    _check_same_pictures(predictions)
    grouped = [groups(each) for each in predictions]
    names = _names(predictions)
    splits = sorted({split for _, split in grouped[0]})
    return Comparison(
        models=names,
        consistency=[_consistency(grouped, split) for split in splits],
        differences=[
            _difference(
                names[a], names[b], split, _hits(grouped[a], split), _hits(grouped[b], split)
            )
            for a, b in combinations(range(len(predictions)), 2)
            for split in splits
        ],
    )


def _names(predictions: Sequence[Predictions]) -> list[str]:
    """Specs; with the weights' hash and the framing where two are of one spec."""
    specs = [p.provenance.model.spec for p in predictions]
    if len(set(specs)) == len(specs):
        return specs
    return [
        f"{m.spec} {m.weights_sha256[:8]} {m.transform.get('framing')}{m.transform.get('size')}"
        for m in (p.provenance.model for p in predictions)
    ]


def _check_same_pictures(predictions: Sequence[Predictions]) -> None:
    first = _pictures(predictions[0])
    for other in predictions[1:]:
        if _pictures(other) != first:
            one, two = (p.provenance for p in (predictions[0], other))
            raise UserError(
                f"{one.model.spec} and {two.model.spec} were not scored on the same pictures "
                f"({one.data.name} {one.data.version}, {two.data.name} {two.data.version}); score both "
                "on one data set with the same selection"
            )


def _pictures(predictions: Predictions) -> list[dict[str, object]]:
    columns = ["slug", "split", "index", "sha256"]
    rows: list[dict[str, object]] = predictions.table.select(columns).to_pylist()
    return rows


def _hits(grouped: Groups, split: str) -> dict[str, np.ndarray]:
    return {slug: g.full.hits.astype(np.float64) for (slug, s), g in grouped.items() if s == split}


def _consistency(grouped: Sequence[Groups], split: str) -> Consistency:
    hits = [_hits(each, split) for each in grouped]
    tables = {slug: np.stack([h[slug] for h in hits], axis=1) for slug in hits[0]}
    ratings = np.concatenate(list(tables.values()))
    everyone = {slug: fooled_by_all(table).tolist() for slug, table in tables.items()}
    return Consistency(
        split=split,
        pictures=len(ratings),
        fooled_by_all=Interval.of(clustered_mean(everyone)),
        fleiss_kappa=fleiss_kappa(ratings),
    )


def _difference(
    first: str, second: str, split: str, one: dict[str, np.ndarray], two: dict[str, np.ndarray]
) -> Difference:
    test = paired_test({slug: (one[slug] - two[slug]).tolist() for slug in one})
    return Difference(
        first=first,
        second=second,
        split=split,
        difference=Interval.of(test.difference),
        p_value=finite(test.p_value),
    )
