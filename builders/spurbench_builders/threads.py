"""How many threads a build computes with: sums are rounded otherwise with other numbers of them."""

from __future__ import annotations

import os

from spurbench.numerals import index
from spurbench.parallel import cores

from .limits import MOST_THREADS


def threads_for(wanted: int | None) -> int:
    """The number that a recipe's ``threads`` comes to here; None is OMP_NUM_THREADS, which launchers
    set, or else one a core."""
    if wanted is not None:
        return wanted
    return index(os.environ.get("OMP_NUM_THREADS", ""), MOST_THREADS) or cores()
