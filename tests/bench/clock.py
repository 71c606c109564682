"""Times of a stretch with its workers, and step times and peak memory of a training loop that is not
ours to edit, from torch's hooks."""

from __future__ import annotations

import gc
import itertools
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook


@dataclass(frozen=True)
class Cost:
    """Seconds on the wall and of the processor, workers included."""

    wall: float
    processor: float


class Stopwatch:
    """Times a stretch; children's processor time counts once they have ended."""

    def __enter__(self) -> Self:
        self._children = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._wall, self._own = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.own = time.process_time() - self._own

    def cost(self) -> Cost:
        gc.collect()
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        before = self._children
        workers = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
        return Cost(self.wall, self.own + workers)


class Enough(Exception):  # noqa: N818
    """Leaves a training loop after its last step, before it saves what nobody wants."""


class StepClock:
    """Notes when each step of any optimiser ends; with ``stop`` it raises Enough after ``steps``.

    The time between two notes holds all that a loop does in a step: reading pictures, encoding,
    both passes, clipping, the update, logging.
    """

    def __init__(self, steps: int, *, stop: bool = False) -> None:
        self.last = steps if stop else None
        self.ends: list[float] = []
        self.cpu: list[float] = []
        register_optimizer_step_post_hook(self._note)

    def _note(self, *_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        self.cpu.append(time.process_time())
        if len(self.ends) == self.last:
            raise Enough

    def report(self) -> dict[str, Any]:
        """Seconds and CPU seconds (of all threads) of every step but the first, and peak memory in
        GiB: resident, and the card's."""
        device = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None
        return {
            "seconds": [b - a for a, b in itertools.pairwise(self.ends)],
            "cpu_seconds": [b - a for a, b in itertools.pairwise(self.cpu)],
            "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
            "peak_device_gib": device,
        }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """As JSON, for the process that waits for it."""
    path.write_text(json.dumps(report), encoding="utf-8")
