"""Which references a build trains on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spurbench.dataset.schema import PanelPrediction
from spurbench.errors import UserError

from .panel import fools_all


def consistent_references(
    predictions: Sequence[Sequence[PanelPrediction]],
    label: int,
    count: int,
    class_name: str,
    summary: str,
) -> list[int]:
    """Indices of all consistently spurious pictures, ascending.

    Raises UserError with the panel's counts where there are fewer than ``count``.
    """
    consistent = [i for i, p in enumerate(predictions) if fools_all(p, label)]
    if len(consistent) < count:
        raise UserError(
            f"{class_name}: only {len(consistent)} of {len(predictions)} references fool the whole "
            f"panel, {count} are needed ({summary}); give more references, or lower "
            "references.count in the recipe"
        )
    return consistent


def drawn_at_random(consistent: Sequence[int], count: int, seed: int) -> list[int]:
    """``count`` of the pictures, each as likely as any other, in ascending order."""
    picked = np.random.default_rng(seed).choice(consistent, size=count, replace=False)
    return sorted(int(i) for i in picked)


def drawn_from_strata(
    consistent: Sequence[int], features: NDArray[np.float32], count: int, seed: int
) -> list[int]:
    """``count`` of the pictures, one from each of as many strata, in ascending order.

    ``features`` (N, D) are those of the pictures. Strata are groups of like pictures by Ward's
    criterion (Ward, 1963): they follow from the pool alone, so that another seed draws another picture of
    the same kinds, where a draw at random may miss a kind.
    """
    if count == 1:
        return drawn_at_random(consistent, count, seed)
    from sklearn.cluster import AgglomerativeClustering

    stratum = AgglomerativeClustering(n_clusters=count, linkage="ward").fit_predict(features)
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(stratum == s) for s in range(count)]
    members.sort(key=lambda found: int(found[0]))  # in an order of their own, whatever their names
    return sorted(consistent[int(rng.choice(found))] for found in members)
