"""What the zoo and the panel answer on a benchmark's pictures, and on pictures that make a bad one."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import spurbench
from scripts.train_micro.classifiers import Normalised, predict
from spurbench.scores.metrics import separation
from spurbench_builders.domains.micro.world import sampling

BAD_PICTURES, BAD_SEED = 75, 91


@dataclass(frozen=True)
class Answers:
    """A network's answers on one class's pictures of a set: hits (n,) and p(k) (n,)."""

    hits: NDArray[np.bool_]
    probability: NDArray[np.float64]


def splits_of(folder: Path) -> dict[str, dict[str, Tensor]]:
    """A built data set's pictures by split (si, generated, val) and class name, uint8 (n, 3, 64, 64)."""
    data_set = spurbench.open_data_set(folder)
    found: dict[str, dict[str, list[Tensor]]] = {}
    for picture in data_set.pictures():
        with Image.open(io.BytesIO(picture.data)) as image:
            pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
        found.setdefault(picture.split, {}).setdefault(picture.class_name, []).append(pixels)
    return {
        split: {name: torch.stack(images) for name, images in of.items()}
        for split, of in found.items()
    }


def bad_sets() -> dict[str, dict[str, Tensor]]:
    """Benchmarks that cannot measure reliance: "any picture" (drawn without regard to the class) and
    "with the object" (the class's own pictures), under the classes' names."""
    kinds = sampling.world().classes
    count = len(kinds)
    sets: dict[str, dict[str, Tensor]] = {"any picture": {}, "with the object": {}}
    for kind in kinds:
        rows = range(BAD_PICTURES)
        anything = [
            sampling.decorrelated_picture(BAD_SEED, kind.label + i * count).image for i in rows
        ]
        own = [sampling.validation_picture(BAD_SEED, kind.label + i * count).image for i in rows]
        sets["any picture"][kind.name] = _stacked(anything)
        sets["with the object"][kind.name] = _stacked(own)
    return sets


def _stacked(images: list[Image.Image]) -> Tensor:
    return torch.from_numpy(np.stack([np.asarray(i) for i in images])).permute(0, 3, 1, 2)


def answered(network: Normalised, pictures: Mapping[str, Tensor]) -> dict[str, Answers]:
    """What the network says of each class's pictures."""
    labels = {kind.name: kind.label for kind in sampling.world().classes}
    found = {}
    for name, images in pictures.items():
        rows = predict(network, images.float() / 255).double().softmax(dim=1).numpy()
        label = labels[name]
        found[name] = Answers(rows.argmax(axis=1) == label, rows[:, label])
    return found


def record(answers: Mapping[str, Answers], validation: Mapping[str, Answers]) -> dict[str, Any]:
    """By class: hits as hexadecimal bits, mean p(k), and the ROC-AUC of p(k) against validation."""
    return {
        name: {
            "hits": packed(said.hits),
            "p": round(float(said.probability.mean()), 4),
            "auc": round(
                separation(validation[name].probability, said.probability).roc_auc or 0.5, 4
            ),
        }
        for name, said in answers.items()
    }


def packed(hits: NDArray[np.bool_]) -> str:
    """Bits as hexadecimal digits, the first picture first, after their number: ``75:ff0...``."""
    return f"{len(hits)}:{np.packbits(hits).tobytes().hex()}"


def unpacked(text: str) -> NDArray[np.bool_]:
    """The bits that ``packed`` wrote."""
    count, digits = text.split(":")
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(digits), dtype=np.uint8))
    return bits[: int(count)].astype(bool)


__all__ = ["Answers", "answered", "bad_sets", "packed", "record", "splits_of", "unpacked"]
