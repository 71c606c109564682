"""How a call of `spurbench eval` runs its models."""

from __future__ import annotations

from dataclasses import dataclass

from spurbench.parallel import cores

from .placement import Placement


@dataclass(frozen=True)
class Settings:
    """How to run. ``batch_size`` None takes the device's usual one, ``workers`` None the cores."""

    placement: Placement
    framing: str = "model"
    batch_size: int | None = None
    workers: int | None = None
    skip_unreadable: bool = False
    keep_logits: bool = False
    fresh: bool = False

    def chosen_batch_size(self) -> int:
        return self.batch_size or self.placement.batch_size

    def chosen_workers(self) -> int:
        return self.workers or cores()
