"""From a predictions file alone to its result: the metrics of every class and split, and their means."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spurbench.results import HeadScore, Interval, Means, Result, SplitScore, Wrong
from spurbench.scores.metrics import (
    PREVALENCE,
    SI_PICTURES,
    most_common,
    separation,
    spurious_score,
)
from spurbench.scores.statistics import clustered_difference, clustered_mean, wilson

from .layout import all_null
from .predictions import Predictions

Groups = dict[tuple[str, str], "Group"]


@dataclass(frozen=True)
class Reading:
    """One reading of the head for the pictures of a class and split, an entry a picture; what is not
    kept of the merged one is None."""

    hits: NDArray[np.bool_]
    log_odds: NDArray[np.float64]
    hits5: NDArray[np.bool_] | None = None
    answers: list[tuple[str, int]] | None = None

    @property
    def probability(self) -> NDArray[np.float64]:
        """p(split's class)."""
        from scipy.special import expit

        return np.asarray(expit(self.log_odds))


@dataclass(frozen=True)
class Group:
    """The pictures of a class and split; ``merged`` is None where no output is a kind of a label."""

    class_name: str
    label: int
    full: Reading
    restricted: Reading
    merged: Reading | None


def result_of(predictions: Predictions) -> Result:
    """The result that the predictions give."""
    grouped = groups(predictions)
    splits = sorted({split for _, split in grouped})
    record = predictions.provenance
    return Result(
        model=record.model,
        data=record.data,
        scores=[_split_score(grouped, slug, split) for slug, split in sorted(grouped)],
        means={split: _split_means(grouped, split) for split in splits},
        generated_minus_si=_gap(grouped, lambda g: g.full),
        restricted_generated_minus_si=_gap(grouped, lambda g: g.restricted),
        prevalence=PREVALENCE,
        environment=record.environment,
        predictions_sha256=predictions.sha256,
    )


def groups(predictions: Predictions) -> Groups:
    """The pictures by slug and split, in order of their index."""
    table = predictions.table
    keys = list(zip(table["slug"].to_pylist(), table["split"].to_pylist(), strict=True))
    names, labels = table["class_name"].to_pylist(), table["label"].to_pylist()
    index = table["index"].to_numpy()
    full, restricted = _reading(predictions, "full"), _reading(predictions, "restricted")
    merged = _merged_reading(predictions)
    places: dict[tuple[str, str], list[int]] = {}
    for i in np.argsort(index, kind="stable"):
        places.setdefault(keys[i], []).append(int(i))
    return {
        key: Group(
            names[at[0]],
            labels[at[0]],
            _part(full, at),
            _part(restricted, at),
            _part(merged, at) if merged else None,
        )
        for key, at in sorted(places.items())
    }


def _reading(predictions: Predictions, head: str) -> Reading:
    table, prefix = predictions.table, "" if head == "full" else f"{head}_"
    labels = table["label"].to_numpy()
    predicted = table[f"{prefix}predicted"].to_numpy()
    top = table[f"{prefix}top_labels"].to_pylist()
    return Reading(
        predicted == labels,
        table[f"{prefix}class_log_odds"].to_numpy().astype(np.float64),
        np.array([label in row for label, row in zip(labels.tolist(), top, strict=True)]),
        list(zip(table[f"{prefix}predicted_name"].to_pylist(), predicted.tolist(), strict=True)),
    )


def _merged_reading(predictions: Predictions) -> Reading | None:
    table = predictions.table
    if all_null(table["merged_predicted"]):
        return None
    return Reading(
        table["merged_predicted"].to_numpy() == table["label"].to_numpy(),
        table["merged_class_log_odds"].to_numpy().astype(np.float64),
    )


def _part(reading: Reading, at: Sequence[int]) -> Reading:
    return Reading(
        reading.hits[at],
        reading.log_odds[at],
        None if reading.hits5 is None else reading.hits5[at],
        None if reading.answers is None else [reading.answers[i] for i in at],
    )


def _split_score(grouped: Groups, slug: str, split: str) -> SplitScore:
    group = grouped[slug, split]
    validation = grouped.get((slug, "val")) if split != "val" else None
    full = _head_score(group.full, validation.full if validation else None)
    restricted = _head_score(group.restricted, validation.restricted if validation else None)
    merged = validation.merged if validation else None
    return SplitScore(
        **full.model_dump(),
        class_name=group.class_name,
        slug=slug,
        label=group.label,
        split=split,
        n=len(group.full.hits),
        restricted=restricted,
        merged=_head_score(group.merged, merged) if group.merged else None,
        spurious_score=_spurious_score(grouped, slug, split),
    )


def _head_score(reading: Reading, validation: Reading | None) -> HeadScore:
    total, hits = len(reading.hits), int(reading.hits.sum())
    apart = separation(validation.log_odds, reading.log_odds) if validation else None
    answers = zip(reading.answers or [], reading.hits, strict=reading.answers is not None)
    others = [answer for answer, hit in answers if not hit]
    top5 = None if reading.hits5 is None else wilson(int(reading.hits5.sum()), total)
    return HeadScore(
        hits=hits,
        top1=Interval.of(wilson(hits, total)),
        top5=Interval.of(top5) if top5 else None,
        mean_probability=float(reading.probability.mean()),
        average_precision=apart.average_precision if apart else None,
        roc_auc=apart.roc_auc if apart else None,
        wrong=[
            Wrong(name=name, label=label, pictures=count)
            for (name, label), count in most_common(others)
        ],
    )


def _spurious_score(grouped: Groups, slug: str, split: str) -> float | None:
    """Spurious ImageNet's own score of its own pictures."""
    if split != "si" or (slug, "val") not in grouped:
        return None
    return spurious_score(grouped[slug, "val"].full.log_odds, grouped[slug, "si"].full.log_odds)


def _split_means(grouped: Groups, split: str) -> Means:
    means = _means(grouped, split, lambda g: g.full)
    inner: dict[str, Means | Interval | None] = {
        "restricted": _means(grouped, split, lambda g: g.restricted)
    }
    if all(group.merged for group in grouped.values()):
        # Each group has one: asked above.
        inner["merged"] = _means(grouped, split, lambda g: g.merged or g.full)
    scores = {slug: _spurious_score(grouped, slug, split) for slug, s in grouped if s == split}
    known = {slug: [score] for slug, score in scores.items() if score is not None}
    if known and len(known) == len(scores):
        estimate = clustered_mean(known, pictures=sum(SI_PICTURES) * len(known))
        inner["spurious_score"] = Interval.of(estimate)
    return means.model_copy(update=inner)


def _means(grouped: Groups, split: str, head: Callable[[Group], Reading]) -> Means:
    chosen = {slug: head(group) for (slug, s), group in grouped.items() if s == split}

    def mean(values: Callable[[Reading], NDArray[np.generic]]) -> Interval:
        clusters = {slug: values(r).astype(float).tolist() for slug, r in chosen.items()}
        return Interval.of(clustered_mean(clusters))

    top5 = {
        slug: r.hits5.astype(float).tolist() for slug, r in chosen.items() if r.hits5 is not None
    }
    apart = {
        slug: separation(head(grouped[slug, "val"]).log_odds, reading.log_odds)
        for slug, reading in chosen.items()
        if split != "val" and (slug, "val") in grouped
    }

    def mean_apart(values: dict[str, float]) -> Interval | None:
        if not values:
            return None
        pictures = sum(len(chosen[k].hits) + len(head(grouped[k, "val"]).hits) for k in values)
        return Interval.of(clustered_mean({k: [v] for k, v in values.items()}, pictures=pictures))

    return Means(
        top1=mean(lambda r: r.hits),
        top5=Interval.of(clustered_mean(top5)) if top5 else None,
        mean_probability=mean(lambda r: r.probability),
        average_precision=mean_apart({k: s.average_precision for k, s in apart.items()}),
        roc_auc=mean_apart({k: s.roc_auc for k, s in apart.items()}),
    )


def _gap(grouped: Groups, head: Callable[[Group], Reading]) -> Interval | None:
    """Generated minus references, paired by class."""
    both = sorted(
        {slug for slug, s in grouped if s == "si"}
        & {slug for slug, s in grouped if s == "generated"}
    )
    if not both:
        return None
    generated, references = (
        {slug: head(grouped[slug, split]).hits.astype(float).tolist() for slug in both}
        for split in ("generated", "si")
    )
    return Interval.of(clustered_difference(generated, references))


def finite(value: float) -> float | None:
    """None for NaN."""
    return None if math.isnan(value) else value
