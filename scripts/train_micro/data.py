"""Renders the splits that training needs, once, into arrays."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spurbench_builders.domains.micro.world import sampling

SPLITS: dict[str, tuple[Callable[[int, int], sampling.Sample], int]] = {
    "train": (sampling.training_picture, 12_000),
    "val": (sampling.validation_picture, 1_800),
    "decorrelated": (sampling.decorrelated_picture, 20_000),
    "objects": (sampling.object_picture, 8_400),
    "companions": (sampling.companion_picture, 6_000),
}
HELD_OUT = 2_000  # the last pictures of `decorrelated`, kept for measuring


@dataclass
class Split:
    """images uint8 (N, 3, 64, 64), labels int64 (N,) with -1 for none, and what each shows."""

    images: Tensor
    labels: Tensor
    shown: list[dict[str, object]]

    def floats(self, index: Tensor | slice) -> Tensor:
        """Images (n, 3, 64, 64) in [0, 1]."""
        return self.images[index].float() / 255

    def part(self, start: int, stop: int) -> Split:
        return Split(self.images[start:stop], self.labels[start:stop], self.shown[start:stop])


def _draw(
    make: Callable[[int, int], sampling.Sample], seed: int, index: int
) -> tuple[np.ndarray, int, dict[str, object]]:
    sample = make(seed, index)
    record = sample.record
    shown: dict[str, object] = {
        "object": record.object,
        "companion": record.companion,
        "scene": record.scene,
        "object_shown": record.object_shown,
    }
    return np.asarray(sample.image), sample.label, shown


def load_split(name: str, work: Path, seed: int) -> Split:
    """The named split, from the work folder or drawn now."""
    path = work / f"{name}.npz"
    if not path.exists():
        make, count = SPLITS[name]
        with ProcessPoolExecutor() as pool:
            drawn = list(pool.map(partial(_draw, make, seed), range(count), chunksize=100))
        part = path.with_suffix(".part.npz")
        np.savez(
            part,
            images=np.stack([d[0] for d in drawn]),
            labels=np.array([d[1] for d in drawn]),
            shown=np.array(json.dumps([d[2] for d in drawn])),
        )
        part.rename(path)
    stored = np.load(path)
    images = torch.from_numpy(stored["images"]).permute(0, 3, 1, 2).contiguous()
    return Split(images, torch.from_numpy(stored["labels"]), json.loads(str(stored["shown"])))


def joined(first: Split, second: Split) -> Split:
    """Both splits' pictures, one after the other."""
    return Split(
        torch.cat([first.images, second.images]),
        torch.cat([first.labels, second.labels]),
        first.shown + second.shown,
    )
