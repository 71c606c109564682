"""Numbers of a set of predictions, as pure functions of arrays. Shares are in [0, 1]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Separation:
    """How well a score tells validation pictures (positives) from a split without the object.

    ``roc_auc`` is the chance that a validation picture scores above one of the split, ties half;
    ``average_precision`` that of positives weighted to PREVALENCE of all, so that splits of
    different sizes can be compared.
    """

    average_precision: float
    roc_auc: float


PREVALENCE = 0.4
"""That of Spurious ImageNet: 50 validation pictures against 75. By chance the average precision is this."""
SI_PICTURES = (50, 75)


def spurious_score(validation: ArrayLike, others: ArrayLike) -> float | None:
    """Spurious ImageNet's own score (Neuhaus et al., 2023): the average precision of 50 validation
    pictures against 75; None for other numbers."""
    from sklearn.metrics import average_precision_score

    sides = [np.asarray(side, dtype=np.float64) for side in (validation, others)]
    if tuple(len(side) for side in sides) != SI_PICTURES:
        return None
    truth = np.repeat([1, 0], SI_PICTURES)
    return min(float(average_precision_score(truth, np.concatenate(sides))), 1.0)


def separation(validation: ArrayLike, others: ArrayLike) -> Separation:
    """Average precision and ROC-AUC of scores (n,) and (m,). Raises ValueError if either is empty."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    positive = np.asarray(validation, dtype=np.float64)
    negative = np.asarray(others, dtype=np.float64)
    if not len(positive) or not len(negative):
        raise ValueError("both sides need pictures")
    truth = np.repeat([1, 0], [len(positive), len(negative)])
    scores = np.concatenate([positive, negative])
    shares = (PREVALENCE / len(positive), (1 - PREVALENCE) / len(negative))
    weights = np.repeat(shares, [len(positive), len(negative)])
    precision = float(average_precision_score(truth, scores, sample_weight=weights))
    return Separation(
        min(precision, 1.0),  # sums of weights round: a perfect one can be a little above
        float(roc_auc_score(truth, scores)),
    )


def fooled_by_all(hits: ArrayLike) -> NDArray[np.float64]:
    """1.0 where every rater hit, else 0.0. ``hits`` is (N pictures, R raters); result (N,)."""
    return np.asarray(np.asarray(hits, dtype=bool).all(axis=1), dtype=np.float64)


def fleiss_kappa(ratings: ArrayLike) -> float | None:
    """Fleiss' kappa (1971) of nominal ratings (N subjects, R raters), R >= 2; at most 1.

    None where every rating is the same: chance agreement is then 1 and kappa is not defined.
    Raises ValueError for fewer than two raters or no subjects.
    """
    values = np.asarray(ratings)
    if values.ndim != 2 or values.shape[1] < 2 or not len(values):
        raise ValueError("needs two raters or more, and a subject")
    subjects, raters = values.shape
    kinds, codes = np.unique(values, return_inverse=True)
    # Reshaped: numpy before 2.0 gives the codes flat.
    cells = np.arange(subjects)[:, None] * len(kinds) + codes.reshape(values.shape)  # (N, R)
    counts = np.bincount(cells.ravel(), minlength=subjects * len(kinds)).reshape(subjects, -1)
    observed = (counts * (counts - 1)).sum() / (subjects * raters * (raters - 1))
    shares = counts.sum(axis=0) / counts.sum()
    expected = (shares**2).sum()
    return None if len(kinds) == 1 else float((observed - expected) / (1 - expected))


def most_common(
    answers: Iterable[tuple[str, int]], top: int = 5
) -> list[tuple[tuple[str, int], int]]:
    """The most frequent answers (name, label) with their counts; ties in the answers' own order."""
    return sorted(Counter(answers).items(), key=lambda item: (-item[1], item[0]))[:top]
