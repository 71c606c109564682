"""Who is ahead of whom among results that may be compared: by the reading restricted to the domain's
labels, with the ranks that the data leave possible. How: spurbench/scores/ranks.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spurbench.results import Means, Result
from spurbench.scores.ranks import ranks_of

from .plausible import doubts

GENERATED, REFERENCES = "generated", "si"


@dataclass(frozen=True)
class Place:
    """A result and its rank, 1 being the least reliant on spurious features, with its 95 % interval:
    those of a ranking hold all at once. Places of one ranking come in order, and ranks never fall."""

    result: Result
    rank: int
    low: int
    high: int


@dataclass(frozen=True)
class Unranked:
    """A result that is listed and not ranked, and why, in words."""

    result: Result
    reason: str


@dataclass(frozen=True)
class Ranking:
    """Results that may be compared. ``split`` is the one that ranks, ``classes`` (slugs) those that it
    goes by; ``unranked`` ones are in order of their specs."""

    split: str
    classes: tuple[str, ...]
    places: tuple[Place, ...]
    unranked: tuple[Unranked, ...]


def reading(means: Means) -> Means:
    """The reading that ranks: restricted to the domain's labels, so that heads of any size compare."""
    return means.restricted or means


def ranking_of(results: Sequence[Result]) -> Ranking:
    """Rank results of one data set, framing and set of validation pictures.

    Not ranked is what there is reason to doubt (plausible.py), and what has not the pictures that most
    of the others have: the split, or a class of it.
    """
    results = sorted(results, key=_by_name)
    split = ranking_split(results)
    shares = [shares_of(result, split) for result in results]
    classes = _classes_of_most(shares)
    ranked, unranked = [], []
    for result, share in zip(results, shares, strict=True):
        reasons = [*_gaps(share, classes, split), *doubts(result)]
        if reasons:
            unranked.append(Unranked(result, "; ".join(reasons)))
        else:
            ranked.append((result, [share[slug] for slug in classes]))
    return Ranking(split, classes, _places(ranked), tuple(unranked))


def ranking_split(results: Sequence[Result]) -> str:
    """The split that ranks: generated where at least half of the results have it, else the references."""
    have = sum(GENERATED in result.means for result in results)
    return GENERATED if 2 * have >= len(results) else REFERENCES


def shares_of(result: Result, split: str) -> dict[str, float]:
    """Share of hits by class, of the reading that ranks."""
    return {
        score.slug: (score.restricted or score).hits / score.n
        for score in result.scores
        if score.split == split
    }


def _by_name(result: Result) -> tuple[str, str, str]:
    """An order for what is equal otherwise."""
    return result.model.spec, result.slug, result.predictions_sha256


def _classes_of_most(shares: Sequence[dict[str, float]]) -> tuple[str, ...]:
    """The classes that most results have; one that lacks some changes nothing for the others."""
    found = Counter(tuple(sorted(share)) for share in shares if share)
    return min(found, key=lambda slugs: (-found[slugs], -len(slugs), slugs)) if found else ()


def _gaps(share: dict[str, float], classes: tuple[str, ...], split: str) -> list[str]:
    if not share:
        return [f"it has no pictures of the split {split}"]
    missing, more = set(classes) - set(share), set(share) - set(classes)
    said = []
    if missing:
        said.append(f"it has no pictures of {len(missing)} of {len(classes)} classes")
    if more:
        said.append(f"it has pictures of {len(more)} more than the others' {len(classes)} classes")
    return said


def _places(ranked: Sequence[tuple[Result, list[float]]]) -> tuple[Place, ...]:
    if not ranked:
        return ()
    table = np.array([shares for _, shares in ranked])  # (N, C)
    found = ranks_of(table)
    order = np.argsort(table.mean(axis=1), kind="stable")
    return tuple(
        Place(ranked[i][0], int(found.rank[i]), int(found.low[i]), int(found.high[i]))
        for i in order
    )
