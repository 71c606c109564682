"""How a call of `spurbench eval` runs its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spurbench.contracts import Classifier
from spurbench.parallel import cores

from .placement import Placement, placement_of


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


def how(classifiers: Sequence[Classifier], settings: Settings) -> str:
    """What runs where, in a line: models that bring no torch network stay on the CPU."""
    asked = settings.placement
    batch = settings.chosen_batch_size()
    how = f"{batch} pictures a batch, {settings.chosen_workers()} reading threads"
    elsewhere = [c.spec for c in classifiers if placement_of(c, asked) != asked]
    if elsewhere and len(elsewhere) == len(classifiers):
        return f"{placement_of(classifiers[0], asked).described()}, {asked.dtype}, {how}"
    apart = (
        f"; on the CPU, for want of a torch network: {', '.join(elsewhere)}" if elsewhere else ""
    )
    return f"{asked.described()}, {asked.dtype}, {how}{apart}"
