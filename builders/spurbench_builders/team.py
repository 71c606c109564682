"""The processes that work on a build together: one, or those of `accelerate launch`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Team:
    """``size`` processes of which this is number ``rank``; rank 0 is the lead, which alone
    writes what only one may write."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """Where this process computes: its CUDA device where there is one."""
        import torch

        if self.size > 1:
            device: torch.device = _state().device
            return device
        wants_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in {"1", "true", "yes"}
        cuda = torch.cuda.is_available() and not wants_cpu
        return torch.device("cuda" if cuda else "cpu")

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            _state().wait_for_everyone()

    def agreed(self, value: bool) -> bool:
        """The lead's value, in every process."""
        if self.size == 1:
            return value
        import torch.distributed

        box = [value]
        torch.distributed.broadcast_object_list(box, src=0)
        return bool(box[0])

    def parallel(self, module: Any) -> Any:
        """The module, averaging gradients over the processes where there are several."""
        if self.size == 1:
            return module
        from torch.nn.parallel import DistributedDataParallel

        device = self.device
        ids = [device.index] if device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=ids)

    def mean(self, values: list[float]) -> list[float]:
        """The mean over the processes of each value."""
        if self.size == 1:
            return values
        import torch

        gathered = torch.tensor(values, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(gathered)
        return [float(v) / self.size for v in gathered]

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """The lead does the body before the others begin it."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()


def team() -> Team:
    """The team this process belongs to, from the environment that `accelerate launch` sets."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Team()
    state = _state()
    return Team(int(state.process_index), int(state.num_processes))


def _state() -> Any:
    from accelerate import PartialState

    return PartialState()
