"""Which references a build trains on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spurbench.dataset.schema import PanelPrediction
from spurbench.errors import UserError

from .panel import fools_all


def select_references(
    predictions: Sequence[Sequence[PanelPrediction]],
    label: int,
    count: int,
    seed: int,
    class_name: str,
    summary: str,
) -> list[int]:
    """Indices of ``count`` consistently spurious pictures, drawn by seed, in ascending order.

    Raises UserError with the panel's counts where there are fewer.
    """
    consistent = [i for i, p in enumerate(predictions) if fools_all(p, label)]
    if len(consistent) < count:
        raise UserError(
            f"{class_name}: only {len(consistent)} of {len(predictions)} references fool the whole "
            f"panel, {count} are needed ({summary}); give more references, or lower "
            "references.count in the recipe"
        )
    picked = np.random.default_rng(seed).choice(consistent, size=count, replace=False)
    return sorted(int(i) for i in picked)
