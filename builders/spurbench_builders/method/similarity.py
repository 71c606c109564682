"""SFSL on pictures that the model is making: estimate, decode, psi_k, compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from spurbench.errors import UserError
from spurbench_builders.recipes.model import Similarity

from . import losses

if TYPE_CHECKING:
    from PIL import Image

    from spurbench.contracts import FeatureClassifier
    from spurbench_builders.models.base import BaseModel

    from .schedule import Schedule


@dataclass(frozen=True)
class Anchors:
    """psi_k of all references (R, D) and all prior pictures (P, D), and w_k (D,)."""

    references: Tensor
    priors: Tensor
    class_weight: Tensor


@torch.no_grad()
def anchors(robust: FeatureClassifier, label: int, references: Tensor, priors: Tensor) -> Anchors:
    """Compute psi_k once; pictures are (N, 3, H, W) in [0, 1]."""
    row = robust.head[0][_output(robust, label)].to(references.device)  # (D,)
    # A loader may have made the head in inference mode: its tensors cannot be saved for a backward
    # pass, their clones can.
    weight = row.clone()
    return Anchors(psi(robust, weight, references), psi(robust, weight, priors), weight)


@torch.no_grad()
def class_features_of(
    robust: FeatureClassifier, label: int, pictures: Sequence[Image.Image]
) -> Tensor:
    """psi_k of pictures of any size, each as the network's own transform frames it: (N, D)."""
    from spurbench.prediction import framed, to_tensor

    weight = robust.head[0][_output(robust, label)]
    rows = []
    for picture in pictures:  # one by one: what a picture is like hangs on no other
        image = to_tensor(framed(picture, robust.transform))[None].to(weight.device)
        rows.append(losses.class_features(robust.features(image), weight))
    return torch.cat(rows)


def _output(robust: FeatureClassifier, label: int) -> int:
    """Which of the network's outputs means the class."""
    output = robust.label_space.column(label)
    if output is None:
        raise UserError(f"{robust.spec}: no output of it means class {label}")
    return output


def psi(robust: FeatureClassifier, class_weight: Tensor, images: Tensor) -> Tensor:
    """Eq. 4 of pictures (N, 3, H, W) in [0, 1], brought to the network's input size: (N, D)."""
    inputs = resized(images, robust.transform.size)
    return losses.class_features(robust.features(inputs), class_weight)


def resized(images: Tensor, size: int) -> Tensor:
    """Pictures (N, 3, H, W) at size x size, differentiably; unchanged where they fit already."""
    if images.shape[-2:] == (size, size):
        return images
    if images.is_cuda and torch.are_deterministic_algorithms_enabled():
        return _resized_by_products(images, size)
    # antialias: shrinking would else look at four pixels of many, as no classifier was trained.
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True)


def _resized_by_products(images: Tensor, size: int) -> Tensor:
    """The same up to rounding, as two matrix products: on CUDA interpolation has no backward pass
    that adds in the same order twice."""
    rows, columns = (_shares(length, size).to(images) for length in images.shape[-2:])
    return rows @ images @ columns.T  # (size, H) (N, 3, H, W) (W, size)


def _shares(length: int, size: int) -> Tensor:
    """What each of ``length`` pixels gives to each of ``size``: (size, length)."""
    one_by_one = torch.eye(length)[None, None]  # (1, 1, length, length)
    return F.interpolate(one_by_one, (size, length), mode="bilinear", antialias=True)[0, 0]


@dataclass(frozen=True)
class Making:
    """A step's pictures in the making: ``noisy`` and ``predicted`` (N, C, h, w) at ``times`` (N,),
    and which reference and which prior picture the step drew, (N,) each."""

    noisy: Tensor
    predicted: Tensor
    times: Tensor
    reference: Tensor
    prior: Tensor


def similarity_loss(
    model: BaseModel,
    robust: FeatureClassifier,
    known: Anchors,
    schedule: Schedule,
    settings: Similarity,
    making: Making,
) -> Tensor:
    """SFSL of a step, in float32 with autocast off; zero where no picture is below the time bound,
    or where the value is not finite."""
    weights = time_weights(schedule, settings, making.times)  # (N,)
    with torch.autocast(making.noisy.device.type, enabled=False):
        if settings.reading == "printed":
            made = known.references[making.reference]  # (N, D)
            rows = torch.ones_like(weights).bool()
        else:
            rows = weights > 0  # what counts nothing is not decoded, and cannot spoil the rest
            if not bool(rows.any()):
                return torch.zeros((), device=making.noisy.device)
            images = _decoded(model, schedule, settings, making, rows)  # (M, 3, H, W)
            made = psi(robust, known.class_weight, images)  # (M, D)
        kept = rows.cpu()  # which pictures were drawn is known on the CPU
        value = losses.READINGS[settings.reading](
            losses.Compared(
                made,
                known.references,
                known.references[making.reference[kept]],
                known.priors[making.prior[kept]],
                weights[rows],
                settings.anchor,
            )
        )
        value = value * (len(made) / len(weights))  # the mean is over all of the step's pictures
    # An estimate from a nearly pure noise may overflow; one such step is left out, not the run.
    return value if bool(value.isfinite()) else torch.zeros_like(value)


def time_weights(schedule: Schedule, settings: Similarity, times: Tensor) -> Tensor:
    """How much the picture at each step counts, (N,) in [0, 1]."""
    a = schedule.abar[times]  # (N,): the later the step, the less of the picture is in its estimate
    weights = a if settings.time_weight == "abar" else torch.ones_like(a)
    if settings.time_bound is None:
        return weights
    return torch.where(times < settings.time_bound, weights, torch.zeros_like(weights))


def _decoded(
    model: BaseModel, schedule: Schedule, settings: Similarity, making: Making, rows: Tensor
) -> Tensor:
    """The estimates of some rows as pictures in [0, 1], decoded from a latent of ``decode_size``
    where given: decoding costs as its area, and the robust network looks at a small picture anyway."""
    estimate = schedule.clean(making.noisy[rows], making.predicted[rows], making.times[rows])
    if settings.decode_size is not None:
        estimate = resized(estimate, max(1, settings.decode_size // model.latent_factor))
    return losses.to_unit_range(model.decode(estimate))
