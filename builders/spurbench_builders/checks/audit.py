"""Checks generated pictures: is the object absent, is it a copy, is it degenerate?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from spurbench.contracts import Classifier
from spurbench.errors import UserError
from spurbench.prediction import centre_square, framed, to_tensor


@dataclass(frozen=True)
class Finding:
    """What the audit measured of a picture (units in dataset.schema.Row)."""

    object_probability: float | None
    nearest_reference: int
    nearest_distance: float
    degenerate: bool


def audit(
    images: Sequence[Image.Image],
    references: Sequence[Image.Image],
    referee: Classifier | None,
    class_name: str,
) -> list[Finding]:
    """Audit every picture (all of one size) against the references it was trained on, framed as
    training frames them: the centre square at the pictures' size."""
    objects = object_probabilities(images, referee, class_name) if referee else [None] * len(images)
    bank = np.stack([_pixels(r, images[0].size) for r in references])  # (R, H, W, 3)
    findings = []
    for image, probability in zip(images, objects, strict=True):
        pixels = _pixels(image, images[0].size)
        distances = np.sqrt(((bank - pixels) ** 2).mean(axis=(1, 2, 3)))  # (R,)
        nearest = int(distances.argmin())
        findings.append(
            Finding(probability, nearest, float(distances[nearest]), is_degenerate(image))
        )
    return findings


def audit_summary(findings: Sequence[Finding], threshold: float) -> str:
    """In how many pictures the object was found, and how many are degenerate, in words."""
    known = [f.object_probability for f in findings if f.object_probability is not None]
    shown = f"; object found in {sum(p > threshold for p in known)}" if known else ""
    degenerate = sum(f.degenerate for f in findings)
    return shown + (f"; {degenerate} black or constant" if degenerate else "")


def object_probabilities(
    images: Sequence[Image.Image], referee: Classifier, class_name: str, batch: int = 64
) -> list[float]:
    """The referee's probability, in [0, 1], that each picture shows the class's object.

    A referee answers every question on its own: sigmoid of the output named after the class.
    """
    names = referee.label_space.names
    if class_name not in names:
        raise UserError(f"{referee.spec}: cannot tell whether a picture shows a {class_name}")
    column = names.index(class_name)
    probabilities: list[float] = []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        tensor = torch.stack(
            [to_tensor(framed(i, referee.transform)) for i in part]
        )  # (N, 3, H, W)
        with torch.inference_mode():
            probabilities += referee.logits(tensor)[:, column].sigmoid().tolist()
    return probabilities


def is_degenerate(image: Image.Image) -> bool:
    """Black, or next to constant: below one grey level of spread in every channel."""
    return bool(np.asarray(image, dtype=np.float64).std(axis=(0, 1)).max() < 1.0)


def _pixels(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    if image.size != size:
        image = framed(image, centre_square(size[0]))
    return np.asarray(image, dtype=np.float64) / 255
