"""Pictures of several sizes, as a data set stores them, and what is said of them as numbers."""

from __future__ import annotations

import numpy as np

from spurbench.dataset.read import StoredPicture
from spurbench.pictures import png_bytes
from spurbench.scores.answers import Seen
from spurbench.scores.predictions import rows_table
from tests.conftest import picture

SIZES = [(40, 40), (52, 40), (40, 60), (40, 40), (36, 36)]


def stored(i: int, split: str = "si") -> StoredPicture:
    image = picture(i, SIZES[i % len(SIZES)])
    return StoredPicture(png_bytes(image), "koala", "koala", 5, split, i, f"made {i}", "")


PICTURES = [stored(i) for i in range(80)]


def numbers(seen: list[Seen]) -> np.ndarray:
    """The stored numbers, (N, 4), in order of index."""
    rows = sorted(seen, key=lambda s: s.index)
    table = rows_table(rows)
    names = ["class_probability", "class_log_odds", "restricted_class_log_odds", "probability"]
    return np.stack([table[name].to_numpy() for name in names], axis=1)
