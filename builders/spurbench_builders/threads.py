"""How many threads a build computes with: sums are rounded otherwise with other numbers of them."""

from __future__ import annotations

import os

from spurbench.parallel import cores


def threads_for(wanted: int | None) -> int:
    """The number that a recipe's ``threads`` comes to here; None is OMP_NUM_THREADS, which launchers
    set, or else one a core."""
    if wanted is not None:
        return wanted
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else cores()
