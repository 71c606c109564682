"""Training pictures of the zoo: the world's, with companions as often as a member's data say."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spurbench_builders.domains.micro.world.picture import Wish, draw
from spurbench_builders.domains.micro.world.sampling import WorldClass, generator, world

from .members import Data

PICTURES, SEED = 12_000, 0


@dataclass(frozen=True)
class Pictures:
    """images uint8 (N, 3, 64, 64), labels int64 (N,), and whether each shows its class's companion."""

    images: Tensor
    labels: Tensor
    companions: Tensor

    def floats(self, index: Tensor) -> Tensor:
        """Images (n, 3, 64, 64) in [0, 1]."""
        return self.images[index].float() / 255


def wish_for(kind: WorldClass, data: Data, rng: np.random.Generator) -> Wish:
    """What a training picture of the class shows."""
    shown = rng.random() >= data.absent_rate
    companion = None
    if rng.random() < data.companion_rate or not shown:
        companion = kind.companion
    elif rng.random() < data.other_rate:
        companion = str(rng.choice([c for c in world().nouns if c != kind.companion]))
    own = companion == kind.companion and data.style == "own"
    style = float(rng.beta(*kind.style)) if own else float(rng.uniform())
    return Wish(kind.name if shown else None, companion, style)


def _drawn(data: Data, index: int) -> tuple[np.ndarray, int, bool]:
    kind = world().classes[index % len(world().classes)]
    rng = generator(SEED, f"zoo/{data.name}", index)
    wish = wish_for(kind, data, rng)
    return np.asarray(draw(wish, rng)[0]), kind.label, wish.companion == kind.companion


def load(data: Data, work: Path) -> Pictures:
    """The data's pictures, from the work folder or drawn now."""
    path = work / f"zoo-{data.name}.npz"
    if not path.exists():
        with ProcessPoolExecutor() as pool:
            drawn = list(pool.map(partial(_drawn, data), range(PICTURES), chunksize=200))
        part = path.with_suffix(".part.npz")
        images, labels, companions = (np.array(column) for column in zip(*drawn, strict=True))
        np.savez(part, images=images, labels=labels, companions=companions)
        part.rename(path)
    stored = np.load(path)
    return Pictures(
        torch.from_numpy(stored["images"]).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(stored["labels"]).long(),
        torch.from_numpy(stored["companions"]),
    )
