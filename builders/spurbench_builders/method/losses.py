"""The paper's losses, each a function of tensors.

Equation numbers are those of MaungMaung, Nguyen, Kiya and Echizen, "Fine-tuning text-to-image
diffusion models for class-wise spurious feature generation" (2024).

Eq. 5 as printed compares two fixed pictures and has no gradient, so SFSL exists in readings
(READINGS): `attract` and `contrast` compare a picture that the model is making, `printed` is the
literal constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def ldm_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Eq. 1 and 2: mean squared error between the prediction and its target, (N, C, h, w) each.

    The target is the noise, or the velocity for v-prediction (schedule.py). float32 at least.
    """
    wide = torch.promote_types(predicted.dtype, torch.float32)  # bf16 squares lose their small ones
    return F.mse_loss(predicted.to(wide), target.to(wide))


def class_features(features: Tensor, weight: Tensor) -> Tensor:
    """Eq. 4: psi_k(x) = w_k * phi(x), features (N, D) and the class's weight (D,) to (N, D)."""
    return features * weight  # (N, D)


@dataclass(frozen=True)
class Compared:
    """What SFSL compares, as psi_k: ``made`` (N, D) of the pictures that the model is making,
    ``references`` (R, D) of all references; of this step's own pictures, ``reference`` (N, D)
    and ``prior`` (N, D). ``weights`` (N,) count the pictures; ``anchor`` is mean or nearest."""

    made: Tensor
    references: Tensor
    reference: Tensor
    prior: Tensor
    weights: Tensor
    anchor: str = "mean"

    def cosines(self) -> Tensor:
        """S_C of each made picture and its anchor among the references, (N,), in [-1, 1]."""
        if self.anchor == "nearest":
            pairs = F.cosine_similarity(
                self.made[:, None], self.references[None], dim=2, eps=1e-8
            )  # (N, R)
            return pairs.amax(dim=1)  # (N,)
        centre = self.references.mean(dim=0, keepdim=True)  # (1, D)
        return F.cosine_similarity(self.made, centre.expand_as(self.made), dim=1, eps=1e-8)


def attract(compared: Compared) -> Tensor:
    """SFSL read as a pull: weighted mean of 1 - S_C(psi_k(x0), anchor), in [0, 2]."""
    return (compared.weights * (1 - compared.cosines())).mean()


def contrast(compared: Compared) -> Tensor:
    """SFSL with Eq. 5's printed sign: weighted mean of S_C(psi_k(x0), anchor), in [-1, 1]."""
    return (compared.weights * compared.cosines()).mean()


def printed(compared: Compared) -> Tensor:
    """Eq. 5 to the letter: S_C(psi_k(x), psi_k(x')) of a reference and a prior picture, neither of
    which depends on what is trained: a number in [-1, 1] without a gradient."""
    return F.cosine_similarity(compared.reference, compared.prior, dim=1, eps=1e-8).mean()


READINGS: dict[str, Callable[[Compared], Tensor]] = {
    "attract": attract,
    "contrast": contrast,
    "printed": printed,
}


def total(ldm: Tensor, prior: Tensor, similarity: Tensor, lam: float, kappa: float) -> Tensor:
    """Eq. 6: LDM + lambda PPL + kappa SFSL. A weight of zero leaves its term out entirely."""
    value = ldm
    # Not 0 * term: that passes on a term's NaN.
    if lam:
        value = value + lam * prior
    if kappa:
        value = value + kappa * similarity
    return value


def to_unit_range(decoded: Tensor) -> Tensor:
    """Decoder output in about [-1, 1] to pictures in [0, 1]; the clamp keeps gradients inside."""
    return torch.clamp(decoded / 2 + 0.5, 0, 1)
