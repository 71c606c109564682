"""Models against one another on the same pictures: consistency, and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from pydantic import BaseModel, ConfigDict

from spurbench.errors import UserError
from spurbench.results import Interval
from spurbench.scores.metrics import fleiss_kappa, fooled_by_all
from spurbench.scores.significance import holm, sign_flip
from spurbench.scores.statistics import Estimate, clustered_mean, difference_of_means

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
    """Top-1 of ``first`` minus that of ``second`` on a split: the mean over classes, with Student's t
    interval, and the p-value of a sign-flip test over classes, as it is and corrected for all
    differences of the comparison (Holm). No interval with one class alone; no p-value where the
    classes are too few for any to reach the level."""

    first: str
    second: str
    split: str
    difference: Interval
    p_value: float | None
    p_corrected: float | None


class Comparison(_Record):
    """Two models or more on the same pictures, by the reading restricted to the domain's labels."""

    models: list[str]
    classes: int
    consistency: list[Consistency]
    differences: list[Difference]


def compare(predictions: Sequence[Predictions]) -> Comparison:
    """Compare predictions of two models or more; UserError unless they are of the same pictures."""
    if len(predictions) < 2:
        raise UserError("a comparison needs the predictions of two models or more")
    _check_same_pictures(predictions)
    grouped = [groups(each) for each in predictions]
    names = _names(predictions)
    tables = {split: _hits(grouped, split) for split in sorted({s for _, s in grouped[0]})}
    found = {split: _differences(table) for split, table in tables.items()}
    rows = [
        (names[a], names[b], split, found[split][0][pair], found[split][1][pair])
        for pair, (a, b) in enumerate(_pairs(len(names)))
        for split in found
    ]
    corrected = holm([p_value for *_, p_value in rows])
    return Comparison(
        models=names,
        classes=len({slug for slug, _ in grouped[0]}),
        consistency=[_consistency(table, split) for split, table in tables.items()],
        differences=[
            Difference(
                first=first,
                second=second,
                split=split,
                difference=Interval.of(gap),
                p_value=finite(p_value),
                p_corrected=finite(adjusted),
            )
            for (first, second, split, gap, p_value), adjusted in zip(rows, corrected, strict=True)
        ],
    )


def _pairs(models: int) -> list[tuple[int, int]]:
    return list(combinations(range(models), 2))


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


def _hits(grouped: Sequence[Groups], split: str) -> dict[str, np.ndarray]:
    """Hits (n, M) by class."""
    slugs = [slug for slug, s in grouped[0] if s == split]
    return {
        slug: np.stack([each[slug, split].restricted.hits for each in grouped], axis=1)
        for slug in slugs
    }


def _consistency(tables: dict[str, np.ndarray], split: str) -> Consistency:
    ratings = np.concatenate(list(tables.values())).astype(np.float64)
    everyone = {slug: fooled_by_all(table).tolist() for slug, table in tables.items()}
    return Consistency(
        split=split,
        pictures=len(ratings),
        fooled_by_all=Interval.of(clustered_mean(everyone)),
        fleiss_kappa=fleiss_kappa(ratings),
    )


def _differences(tables: dict[str, np.ndarray]) -> tuple[list[Estimate], list[float]]:
    """Of every pair of models: the mean difference over classes, and its p-value.

    From counts, not pictures: hundreds of models have tens of thousands of pairs.
    """
    models = next(iter(tables.values())).shape[1]
    first, second = np.array(_pairs(models)).T
    gaps, variances = [], []
    for hits in tables.values():
        table = hits.astype(np.float64)  # (n, M)
        n, counts, both = len(table), table.sum(axis=0), table.T @ table  # (M,), (M, M)
        gap = counts[first] - counts[second]  # (P,)
        unequal = counts[first] + counts[second] - 2 * both[first, second]
        gaps.append(gap / n)
        # One picture of each sign is added, so that equal answers have a variance too.
        variances.append(((unequal + 2) / (n + 2) - (gap / (n + 2)) ** 2) / n)
    by_class = np.stack(gaps, axis=1)  # (P, C)
    estimates = difference_of_means(by_class, np.stack(variances, axis=1))
    return estimates, sign_flip(by_class).tolist()
