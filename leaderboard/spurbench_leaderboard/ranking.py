"""Who is ahead of whom: by the reading restricted to the domain's labels, ties where none can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spurbench.results import Means, Result
from spurbench.scores.significance import LEVEL, holm, ranks, sign_flip


@dataclass(frozen=True)
class Ranked:
    """A result and its rank: one more than the number of results that rely less on spurious features
    and can be told from it; None without the split that ranks."""

    rank: int | None
    result: Result


def reading(means: Means) -> Means:
    """The reading that ranks: restricted to the domain's labels, so that heads of any size compare."""
    return means.restricted or means


def main_split(results: Sequence[Result]) -> str:
    """The split that ranks: generated where every result has it, else the references."""
    return "generated" if all("generated" in r.means for r in results) else "si"


def ranked(results: Sequence[Result]) -> list[Ranked]:
    """Results of one data set in order of spurious accuracy, the least first.

    Two differ where a sign-flip test over classes says so at the 5 % level, corrected for all pairs
    (Holm); others share a rank.
    """
    split = main_split(results)
    ordered = sorted(results, key=lambda result: (_mean(result, split), result.model.spec))
    placed = [result for result in ordered if split in result.means]
    differ = different(placed, split)
    found = [
        Ranked(rank, result)
        for rank, result in zip(ranks(range(len(placed)), differ), placed, strict=True)
    ]
    return found + [Ranked(None, result) for result in ordered if split not in result.means]


def compared_classes(results: Sequence[Result]) -> int:
    """How many classes the results are told apart by: those that all have in the split that ranks."""
    split = main_split(results)
    return len(_common([_shares(r, split) for r in results if split in r.means]))


def _common(shares: Sequence[dict[str, float]]) -> list[str]:
    return sorted(set.intersection(*(set(each) for each in shares))) if shares else []


def different(results: Sequence[Result], split: str) -> np.ndarray:
    """Which results (N, N) can be told apart on the split."""
    differ = np.zeros((len(results), len(results)), dtype=bool)
    shares = [_shares(result, split) for result in results]
    slugs = _common(shares)
    first, second = np.triu_indices(len(results), k=1)
    if not slugs or not len(first):
        return differ
    table = np.array([[each[slug] for slug in slugs] for each in shares])  # (N, C)
    p_values = np.array(holm(sign_flip(table[first] - table[second]).tolist()))
    apart = p_values <= LEVEL  # NaN, where classes are too few for a test, is not
    differ[first[apart], second[apart]] = differ[second[apart], first[apart]] = True
    return differ


def _mean(result: Result, split: str) -> float:
    means = result.means.get(split)
    return reading(means).top1.value if means else 2.0  # behind all others


def _shares(result: Result, split: str) -> dict[str, float]:
    return {
        score.slug: (score.restricted or score).hits / score.n
        for score in result.scores
        if score.split == split
    }
