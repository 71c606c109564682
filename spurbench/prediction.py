"""Runs a classifier over pictures. The only place where pixels become a network's input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .contracts import INTERPOLATIONS, Classifier, Transform
from .errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

_FILTERS = {name: Image.Resampling[name.upper()] for name in INTERPOLATIONS}
MAX_ASPECT = 50


@dataclass(frozen=True)
class Prediction:
    """Top-1 label in the domain's label space, its probability, and all probabilities (K,)."""

    label: int
    probability: float
    probabilities: np.ndarray


def framed(image: Image.Image, transform: Transform) -> Image.Image:
    """The RGB picture at the size and framing that the transform says."""
    size, method = transform.size, _FILTERS[transform.interpolation]
    if transform.framing == "shortest":
        return _resized(image, *_shorter_edge(image, size), method)
    square = (transform.resize, transform.resize)
    squashed = transform.framing == "squash"
    edges = square if squashed else _shorter_edge(image, transform.resize)
    image = _resized(image, *edges, method)
    left, top = _margin(image.width, size), _margin(image.height, size)
    return image.crop((left, top, left + size, top + size))


def centre_square(size: int) -> Transform:
    """The framing of training: shorter edge to ``size`` pixels, then the centre square."""
    return Transform("crop", size, size)


def to_tensor(image: Image.Image) -> Tensor:
    """RGB picture to float32 (3, H, W) in [0, 1]."""
    import torch

    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
    return pixels.permute(2, 0, 1).contiguous().float() / 255


def predict(
    classifier: Classifier, images: Iterable[Image.Image], batch_size: int = 64
) -> Iterator[Prediction]:
    """Predictions in the pictures' order. Pictures of one size share a batch; memory stays flat.

    Raises UserError if the network's outputs are not finite or do not fit its label space.
    """
    import torch

    stream = iter(images)
    while chunk := list(islice(stream, batch_size)):
        tensors = [to_tensor(framed(image, classifier.transform)) for image in chunk]
        for run in _runs_of_one_shape(tensors):
            with torch.inference_mode():
                logits = classifier.logits(torch.stack(run))
            yield from _predictions(classifier, logits)


def check_logits(classifier: Classifier, logits: Tensor) -> None:
    """UserError unless logits are (N, K) for the classifier's K labels, and finite."""
    names = classifier.label_space.names
    if logits.ndim != 2 or logits.shape[1] != len(names):
        raise UserError(
            f"{classifier.spec}: gives {tuple(logits.shape[1:])} outputs, but its label space "
            f"{classifier.label_space.name} has {len(names)}"
        )
    if not bool(logits.isfinite().all()):
        raise UserError(f"{classifier.spec}: gives NaN or infinite logits; check its weights")


def _predictions(classifier: Classifier, logits: Tensor) -> Iterator[Prediction]:
    check_logits(classifier, logits)
    for row in logits.double().softmax(dim=1).cpu().numpy():
        label = int(row.argmax())
        yield Prediction(label, float(row[label]), row)


def _runs_of_one_shape(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    run: list[Tensor] = []
    for tensor in tensors:
        if run and run[0].shape != tensor.shape:
            yield run
            run = []
        run.append(tensor)
    yield run


def _shorter_edge(image: Image.Image, size: int) -> tuple[int, int]:
    """Width and height with the shorter edge at ``size``, as torchvision's Resize rounds them."""
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise UserError(
            f"a picture of {image.width} x {image.height} pixels is too long to scale by its shorter "
            "edge; crop it, or use --framing squash"
        )
    if image.width <= image.height:
        return size, int(size * image.height / image.width)
    return int(size * image.width / image.height), size


def _margin(edge: int, size: int) -> int:
    """Where the centre crop starts, as torchvision rounds it; below 0 it is padded with black."""
    return round((edge - size) / 2) if edge >= size else -((size - edge) // 2)


def _resized(image: Image.Image, width: int, height: int, method: Image.Resampling) -> Image.Image:
    return image if image.size == (width, height) else image.resize((width, height), method)
