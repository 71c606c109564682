"""The processes that work on a build together: one, or those of `accelerate launch`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from spurbench.errors import UserError
from spurbench.numerals import whole

if TYPE_CHECKING:
    import torch


class Team:
    """``size`` processes of which this is number ``rank``; rank 0 is the lead, which alone
    writes what only one may write. ``device`` is a recipe's: ``auto`` or ``cpu``."""

    def __init__(self, rank: int = 0, size: int = 1, device: str = "auto") -> None:
        self.rank, self.size, self._wanted = rank, size, device

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """Where this process computes: its CUDA device where there is one."""
        import torch

        if self.size > 1:
            device: torch.device = _state(self._wanted).device
            return device
        return torch.device("cpu" if _on_cpu(self._wanted) else "cuda")

    @property
    def device_name(self) -> str:
        """``cpu``, or the CUDA device's name: pictures differ between them in the last bits."""
        import torch

        device = self.device
        return "cpu" if device.type == "cpu" else torch.cuda.get_device_name(device)

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            _state(self._wanted).wait_for_everyone()

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
        # DDP wants a device's number for a GPU, and none at all for a CPU.
        ids = [device.index] if device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=ids)

    def same(self, number: int) -> bool:
        """Whether every process has the lead's number."""
        if self.size == 1:
            return True
        import torch.distributed

        gathered: list[int] = [0] * self.size
        torch.distributed.all_gather_object(gathered, number)
        return len(set(gathered)) == 1

    def mean(self, values: list[float]) -> list[float]:
        """The mean over the processes of each value."""
        if self.size == 1:
            return values
        import torch

        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(sums)  # in place
        return [float(v) / self.size for v in sums]

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """The lead does the body before the others begin it."""
        if not self.leads:
            self.wait()  # for the lead's wait after its body: both meet at one barrier
        yield
        if self.leads:
            self.wait()


def launched() -> int:
    """How many processes `accelerate launch` or `torchrun` started, as they say in the environment."""
    return whole(os.environ.get("WORLD_SIZE", "1"), "WORLD_SIZE", 1)


def team(device: str = "auto") -> Team:
    """The team this process belongs to, from the environment that `accelerate launch` and
    `torchrun` set; ``device`` is where the recipe wants to be computed."""
    expected = launched()
    if expected == 1:
        return Team(device=device)
    state = _state(device)
    if int(state.num_processes) != expected:
        raise UserError(
            f"{expected} processes were launched, but they found {state.num_processes} of each other; "
            "launch them with `accelerate launch` or `torchrun`"
        )
    return Team(int(state.process_index), expected, device)


def _on_cpu(device: str) -> bool:
    if device == "cpu":
        return True
    import torch

    wanted = os.environ.get("ACCELERATE_USE_CPU", "").lower() in {"1", "true", "yes"}
    return wanted or not torch.cuda.is_available()


def _state(device: str) -> Any:
    from accelerate import PartialState

    # The others wait while the lead alone judges pictures or fetches models: that may take hours.
    return PartialState(cpu=_on_cpu(device), timeout=timedelta(hours=12))
