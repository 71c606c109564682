"""The paper's losses, each a function of tensors.

Equation numbers are those of MaungMaung, Nguyen, Kiya and Echizen, "Fine-tuning text-to-image
diffusion models for class-wise spurious feature generation" (2024).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def ldm_loss(predicted: Tensor, noise: Tensor) -> Tensor:
    """Eq. 1 and 2: mean squared error between predicted and true noise, both (N, C, h, w)."""
    return F.mse_loss(predicted, noise)


def clean_latents(noisy: Tensor, predicted: Tensor, abar: Tensor) -> Tensor:
    """The clean latent that a noise prediction implies (Ho et al., 2020, Eq. 15).

    z0 = (z_t - sqrt(1 - abar_t) eps) / sqrt(abar_t), with z_t and eps (N, C, h, w), abar (N,).
    """
    a = abar.view(-1, 1, 1, 1)
    return (noisy - (1 - a).sqrt() * predicted) / a.sqrt()


def class_features(features: Tensor, weight: Tensor) -> Tensor:
    """Eq. 4: psi_k(x) = w_k * phi(x), features (N, D) and the class's weight (D,) to (N, D)."""
    return features * weight


def attract(made: Tensor, references: Tensor, abar: Tensor) -> Tensor:
    """SFSL read as a pull: mean over the batch of abar_t (1 - cos(psi_k(x0), mean psi_k(refs))).

    made (N, D), references (R, D), abar (N,). Weighting by abar_t silences the steps at which
    the estimate x0 is little but noise. The value lies in [0, 2].
    """
    return (abar * (1 - _cosine_to_mean(made, references))).mean()


def contrast(made: Tensor, references: Tensor, abar: Tensor) -> Tensor:
    """SFSL with Eq. 5's printed sign: abar_t cos(psi_k(x0), mean psi_k(refs)), in [-1, 1]."""
    return (abar * _cosine_to_mean(made, references)).mean()


def _cosine_to_mean(made: Tensor, references: Tensor) -> Tensor:
    centre = references.mean(dim=0, keepdim=True)
    return F.cosine_similarity(made, centre.expand_as(made), dim=1, eps=1e-8)


READINGS = {"attract": attract, "contrast": contrast}


def total(ldm: Tensor, prior: Tensor, similarity: Tensor, lam: float, kappa: float) -> Tensor:
    """Eq. 6: LDM + lambda PPL + kappa SFSL. A weight of zero leaves its term out entirely."""
    value = ldm
    if lam:
        value = value + lam * prior
    if kappa:
        value = value + kappa * similarity
    return value


def to_unit_range(decoded: Tensor) -> Tensor:
    """Decoder output in about [-1, 1] to pictures in [0, 1]; the clamp keeps gradients inside."""
    return torch.clamp(decoded / 2 + 0.5, 0, 1)
