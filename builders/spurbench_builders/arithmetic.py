"""Arithmetic that gives the same bytes again, where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def repeatable(wanted: bool) -> Iterator[None]:
    """Within, if ``wanted``, torch's deterministic algorithms alone (where one is lacking torch raises
    RuntimeError): on CUDA they are slower, on a CPU nothing else is used anyway. Must be entered
    before the GPU is used for the first time: cuBLAS reads its setting then."""
    if not wanted:
        yield
        return
    import torch

    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    set_before = os.environ.get(WORKSPACE)
    os.environ.setdefault(WORKSPACE, ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
        if set_before is None:
            os.environ.pop(WORKSPACE, None)
