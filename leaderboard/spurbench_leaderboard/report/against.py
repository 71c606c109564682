"""A model beside another on the same pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spurbench.errors import UserError
from spurbench.results import Result
from spurbench.scores.comparison import Difference, compare
from spurbench.scores.predictions import Predictions
from spurbench.scores.summary import groups
from spurbench_leaderboard.tables import asked_framing, comparable

from .confusion import reading
from .scored import Scored, in_order


@dataclass(frozen=True)
class ClassGap:
    """Of a class and split the share of hits of either model, and how many pictures one alone hits;
    None where that is not known."""

    class_name: str
    slug: str
    split: str
    first: float
    second: float
    only_first: int | None = None
    only_second: int | None = None

    @property
    def gap(self) -> float:
        """The first's share less the second's, in [-1, 1]."""
        return self.first - self.second


@dataclass(frozen=True)
class Against:
    """``means`` are the differences of the means by split, with intervals and tests; empty without the
    predictions of both, and ``lacking`` says whose are missing. ``restricted``: whether the classes'
    shares are of the reading restricted to the domain's labels, as the means are."""

    other: Result
    classes: tuple[ClassGap, ...]
    means: tuple[Difference, ...]
    restricted: bool
    lacking: str = ""


def against(one: Scored, other: Scored) -> Against:
    """A comparison; UserError where the two are one result, or cannot be compared."""
    _check(one, other)
    if one.predictions and other.predictions:
        found = compare([one.predictions, other.predictions])
        rows = tuple(_from_predictions(one.predictions, other.predictions))
        means = sorted(found.differences, key=lambda each: in_order(each.split))
        return Against(other.result, rows, tuple(means), restricted=True)
    lacking = "; ".join(
        f"of {each.result.model.spec} {each.lacking}" for each in (one, other) if each.lacking
    )
    restricted = all(score.restricted for r in (one.result, other.result) for score in r.scores)
    rows = tuple(_from_results(one.result, other.result))
    return Against(other.result, rows, (), restricted, lacking)


def _check(one: Scored, other: Scored) -> None:
    first, second = one.result, other.result
    if first.predictions_sha256 == second.predictions_sha256:
        raise UserError(f"{one.path} and {other.path} are one result; name another with --against")
    if comparable(first) != comparable(second):
        raise UserError(
            f"{one.path} and {other.path} cannot be compared: they differ in {_differing(first, second)}; "
            "name a result of the same data set, framing and validation pictures"
        )
    if _pictures(first) != _pictures(second):
        raise UserError(
            f"{one.path} and {other.path} were not scored on the same pictures; score both on one data "
            "set with the same selection"
        )


def _differing(one: Result, other: Result) -> str:
    names = ("domain", "version", "data set", "framing", "validation pictures")
    told = [
        (r.data.domain, r.data.version, r.data.name, asked_framing(r), "") for r in (one, other)
    ]
    pairs = zip(names, comparable(one), comparable(other), *told, strict=True)
    said = [
        f"{name} ({a} and {b})" if a != b else name
        for name, mine, its, a, b in pairs
        if mine != its and name != "data set"
    ]
    return ", ".join(said) or "data set"


def _pictures(result: Result) -> object:
    """Which pictures of its data set a result is of, as far as it says that itself."""
    unreadable = sorted((each.slug, each.split, each.index) for each in result.data.unreadable)
    counts = sorted((score.slug, score.split, score.n) for score in result.scores)
    return result.data.selection, unreadable, counts


def _from_predictions(one: Predictions, other: Predictions) -> Iterator[ClassGap]:
    first, second = groups(one), groups(other)
    for slug, split in sorted(first, key=lambda key: (in_order(key[1]), key[0])):
        mine, its = first[slug, split].restricted.hits, second[slug, split].restricted.hits
        alone = int(np.sum(mine & ~its)), int(np.sum(its & ~mine))
        shares = float(mine.mean()), float(its.mean())
        yield ClassGap(first[slug, split].class_name, slug, split, *shares, *alone)


def _from_results(one: Result, other: Result) -> Iterator[ClassGap]:
    second = {(score.slug, score.split): score for score in other.scores}
    for score in sorted(one.scores, key=lambda score: (in_order(score.split), score.slug)):
        its = second[score.slug, score.split]
        both = score.restricted and its.restricted
        mine, theirs = ((reading(s) if both else s).hits / s.n for s in (score, its))
        yield ClassGap(score.class_name, score.slug, score.split, mine, theirs)
