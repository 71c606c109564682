"""Probabilities against what came of them, by bins of the probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spurbench.scores.predictions import Predictions
from spurbench.scores.statistics import wilson

from .scored import VALIDATION, in_order

BINS = 10
"""Of equal width; one holds its lower end, the last one also 1."""


@dataclass(frozen=True)
class Bin:
    """Pictures whose probability lies in [low, high): their mean probability, and the share of them
    that it came true of, with its 95 % interval (Wilson)."""

    low: float
    high: float
    count: int
    expected: float
    observed: float
    observed_low: float
    observed_high: float


@dataclass(frozen=True)
class Calibration:
    """The bins of a split that hold a picture. ``kind`` is

    - ``taken``: of pictures without the class its probability over the domain's labels, against the
      share that is taken for it;
    - ``shows``: of those and the same classes' validation pictures together the same probability,
      against the share that shows the class, which are the validation pictures;
    - ``right``: of validation pictures the probability of the full head's top answer, against the
      share that is right.
    """

    split: str
    kind: str
    bins: tuple[Bin, ...]

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return sum(each.count for each in self.bins)

    @property
    def expected(self) -> float:
        """The mean probability."""
        return sum(each.count * each.expected for each in self.bins) / self.count

    @property
    def observed(self) -> float:
        """The share of all pictures that it came true of."""
        return sum(each.count * each.observed for each in self.bins) / self.count

    @property
    def error(self) -> float:
        """The expected calibration error: how far the two lie apart in a bin, weighted by pictures."""
        apart = (each.count * abs(each.expected - each.observed) for each in self.bins)
        return sum(apart) / self.count


def binned(probabilities: ArrayLike, true: ArrayLike) -> tuple[Bin, ...]:
    """The bins of probabilities (N,) in [0, 1] and of what came true (N,) that are not empty."""
    values = np.asarray(probabilities, dtype=np.float64)
    came = np.asarray(true, dtype=bool)
    places = np.minimum((values * BINS).astype(int), BINS - 1)
    return tuple(
        _bin(place, values[places == place], came[places == place])
        for place in sorted(set(places.tolist()))
    )


def _bin(place: int, values: NDArray[np.float64], came: NDArray[np.bool_]) -> Bin:
    share = wilson(int(came.sum()), len(came))
    ends = place / BINS, (place + 1) / BINS
    return Bin(*ends, len(came), float(values.mean()), share.value, share.low, share.high)


@dataclass(frozen=True)
class _Columns:
    """A predictions file's columns (N,): of either reading what it takes the picture for and how surely."""

    slugs: NDArray[np.str_]
    splits: NDArray[np.str_]
    own: NDArray[np.float64]
    taken: NDArray[np.bool_]
    top: NDArray[np.float64]
    right: NDArray[np.bool_]


def calibrations(predictions: Predictions) -> list[Calibration]:
    """Those of every split, in order."""
    columns = _columns(predictions)
    validation = columns.splits == VALIDATION
    found = []
    for split in sorted(set(columns.splits.tolist()), key=in_order):
        of = columns.splits == split
        if split == VALIDATION:
            found.append(Calibration(split, "right", binned(columns.top[of], columns.right[of])))
            continue
        found.append(Calibration(split, "taken", binned(columns.own[of], columns.taken[of])))
        both = sorted(set(columns.slugs[of]) & set(columns.slugs[validation]))
        mixed = (of | validation) & np.isin(columns.slugs, both)
        if both:
            found.append(Calibration(split, "shows", binned(columns.own[mixed], validation[mixed])))
    return found


def _columns(predictions: Predictions) -> _Columns:
    from scipy.special import expit

    table = predictions.table
    labels = table["label"].to_numpy()
    # Half precision on the disk may round the largest ones past 1.
    top = np.clip([row[0] for row in table["top_probabilities"].to_pylist()], 0.0, 1.0)
    return _Columns(
        np.array(table["slug"].to_pylist()),
        np.array(table["split"].to_pylist()),
        expit(table["restricted_class_log_odds"].to_numpy().astype(np.float64)),
        table["restricted_predicted"].to_numpy() == labels,
        top,
        table["predicted"].to_numpy() == labels,
    )
