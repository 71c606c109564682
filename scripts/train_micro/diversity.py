"""How varied the base model's pictures of a companion are, beside those that the world draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import NearestNeighbors

from spurbench.contracts import FeatureClassifier
from spurbench.prediction import to_tensor
from spurbench_builders.domains.micro.world.sampling import companion_picture, world

Array = NDArray[np.float64]
NEIGHBOURS, DRAWN, SEED, BINS = 3, 300, 55, 10


@dataclass(frozen=True)
class Drawn:
    """The world's pictures of a companion alone: features (N, D) and styles (N,) in [0, 1]."""

    features: Array
    styles: Array


def features(network: FeatureClassifier, images: list[Image.Image]) -> Array:
    """phi (N, D) of pictures."""
    with torch.inference_mode():
        batch = torch.stack([to_tensor(image) for image in images])
        found: Array = network.features(batch).double().numpy()
    return found


def drawn(network: FeatureClassifier, companion: str) -> Drawn:
    """DRAWN pictures of it, of styles spread alike."""
    nouns = list(world().nouns)
    first = nouns.index(companion)
    samples = [companion_picture(SEED, first + i * len(nouns)) for i in range(DRAWN)]
    styles = np.array([sample.record.companion_style for sample in samples])
    return Drawn(features(network, [sample.image for sample in samples]), styles)


def coverage(real: Array, made: Array) -> tuple[float, float]:
    """Precision and recall (Kynkaanniemi et al., 2019) of features (N, D) and (M, D): the shares of
    made pictures within the reach of real ones, and the other way round; a picture reaches as far as
    its third nearest neighbour of its own kind."""
    return _within(made, real), _within(real, made)


def _within(points: Array, others: Array) -> float:
    reach = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(others).kneighbors(others)[0][:, -1]
    distances = np.linalg.norm(points[:, None] - others[None], axis=2)  # (N, M)
    return float((distances <= reach).any(axis=1).mean())


def styles(real: Drawn, made: Array) -> tuple[int, float]:
    """In how many tenths of the range of styles made pictures fall, and how well a picture's style is
    read from its features: R^2 on the half of the real ones that the reading was not fitted to."""
    half = len(real.styles) // 2
    reading = RidgeCV(np.logspace(-3, 5, 17)).fit(real.features[:half], real.styles[:half])
    fit = float(reading.score(real.features[half:], real.styles[half:]))
    read = np.clip(reading.predict(made), 0, 1 - 1e-9)
    return len(set((read * BINS).astype(int).tolist())), fit
