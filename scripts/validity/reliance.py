"""True reliance of a classifier, by intervention: what it answers when one thing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scripts.train_micro.classifiers import Normalised, predict
from spurbench_builders.domains.micro.world.interventions import CHANGES, changed_picture
from spurbench_builders.domains.micro.world.sampling import world

PICTURES, SEED = 100, 77


@dataclass(frozen=True)
class Reliance:
    """A class's share of answers and what takes part in them, each in [-1, 1].

    ``companion`` and ``object`` are the Shapley values of the two for the share of answers "k": with
    v(o, c) the share when the object and the companion are there or not, companion =
    ((v(1,1) - v(1,0)) + (v(0,1) - v(0,0))) / 2. ``needed`` is v(1,1) - v(1,0) alone, ``enough`` is
    v(0,1) - v(0,0); ``swapped`` and ``restyled`` are the loss when the companion becomes another
    one, or turns to the other class's style.
    """

    companion: float
    object: float
    needed: float
    enough: float
    swapped: float
    restyled: float


def pictures(work: Path) -> dict[str, NDArray[np.uint8]]:
    """Of each change, uint8 (12 * PICTURES, 3, 64, 64): class after class."""
    path = work / "interventions.npy"
    if not path.exists():
        names = [kind.name for kind in world().classes for _ in range(PICTURES)]
        indices = list(range(PICTURES)) * len(world().classes)
        with ProcessPoolExecutor() as pool:
            drawn = list(pool.map(partial(changed_picture, SEED), names, indices, chunksize=25))
        images = [[np.asarray(d.images[change]) for d in drawn] for change in CHANGES]
        part = path.with_suffix(".part.npy")
        np.save(part, np.array(images).transpose(0, 1, 4, 2, 3))
        part.rename(path)
    return dict(zip(CHANGES, np.load(path), strict=True))


def measured(
    network: Normalised, changed: Mapping[str, NDArray[np.uint8]]
) -> dict[str, dict[str, list[float]]]:
    """By class and change, what the network says: share of answers "k" and mean p(k)."""
    found: dict[str, dict[str, list[float]]] = {kind.name: {} for kind in world().classes}
    for change, images in changed.items():
        logits = predict(network, torch.from_numpy(np.ascontiguousarray(images)).float() / 255)
        probabilities = logits.double().softmax(dim=1).numpy()
        for kind in world().classes:
            part = probabilities[kind.label * PICTURES : (kind.label + 1) * PICTURES]
            hits = part.argmax(axis=1) == kind.label
            found[kind.name][change] = [float(hits.mean()), float(part[:, kind.label].mean())]
    return found


def reliance(answers: Mapping[str, Any], reading: int = 0) -> Reliance:
    """Of one class, from its shares by change (reading 0) or its mean probabilities (1)."""
    share = {change: float(values[reading]) for change, values in answers.items()}
    needed = share["as drawn"] - share["no companion"]
    enough = share["no object"] - share["neither"]
    with_companion = share["as drawn"] - share["no object"]
    without = share["no companion"] - share["neither"]
    return Reliance(
        companion=(needed + enough) / 2,
        object=(with_companion + without) / 2,
        needed=needed,
        enough=enough,
        swapped=share["as drawn"] - share["other companion"],
        restyled=share["as drawn"] - share["other style"],
    )
