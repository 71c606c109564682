"""How many threads a build computes with: sums are rounded otherwise with other numbers of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from spurbench.parallel import cores


def threads_for(wanted: int | None) -> int:
    """The number that a recipe's ``threads`` comes to here; None is OMP_NUM_THREADS, which launchers
    set, or else one a core."""
    if wanted is not None:
        return wanted
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else cores()


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """So many threads of torch for the body, and the caller's own number again after it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
