"""What a training run sees: everything computed once, and what each step draws of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spurbench.contracts import FeatureClassifier
from spurbench_builders.models.base import BaseModel

from .schedule import Schedule
from .similarity import Anchors, anchors


@dataclass(frozen=True)
class TrainingSet:
    """Scaled latents of references and priors (R or P, C, h, w), the token ids (2, L) of instance
    and prior prompt, psi_k of both, and ``kappa``, which weighs SFSL."""

    references: Tensor
    priors: Tensor
    tokens: Tensor
    words: tuple[str, str]
    features: Anchors | None
    kappa: float


@torch.no_grad()
def training_set(
    model: BaseModel,
    robust: FeatureClassifier,
    label: int,
    references: Tensor,
    priors: Tensor,
    prompts: tuple[str, str],
    words: tuple[str, str],
    kappa: float,
) -> TrainingSet:
    """Compute once what every step needs; pictures are (N, 3, H, W) in [0, 1], ``words`` the
    identifier and the noun."""
    references, priors = references.to(model.device), priors.to(model.device)
    return TrainingSet(
        model.encode_images(references),
        model.encode_images(priors),
        model.tokens(list(prompts)),
        words,
        anchors(robust, label, references, priors) if kappa else None,
        kappa,
    )


@dataclass(frozen=True)
class Batch:
    """A step's draw: B instance pictures, then B priors unless the prior's weight is 0. ``latents``
    and ``noise`` (N, C, h, w), ``times`` (N,), ``which`` the B references and B priors drawn."""

    latents: Tensor
    noise: Tensor
    times: Tensor
    which: tuple[Tensor, Tensor]

    def share(self, rank: int, size: int) -> Batch:
        """Every ``size``-th picture of each half, from ``rank``: one process's part."""
        half = len(self.which[0])
        # i % half is a picture's place in its half, so that a process gets as many priors as
        # instances, and the averaged gradients weigh both as one process would.
        kept = [i for i in range(len(self.times)) if i % half % size == rank]
        drawn = (self.which[0][rank::size], self.which[1][rank::size])
        return Batch(self.latents[kept], self.noise[kept], self.times[kept], drawn)


def draw(
    training: TrainingSet,
    schedule: Schedule,
    generator: torch.Generator,
    batch: int,
    *,
    prior: bool,
) -> Batch:
    """Draw a global batch on the CPU, the same in every process whatever their number."""
    # One number a call: a larger batch then begins with the pictures of a smaller one.
    which = tuple(
        torch.cat([torch.randint(len(of), (1,), generator=generator) for _ in range(batch)])  # (B,)
        for of in (training.references, training.priors)
    )
    halves = [training.references[which[0]], training.priors[which[1]]][: 2 if prior else 1]
    latents = torch.cat(halves)  # (N, C, h, w), N = 2 B or B
    # Noise of its own for every picture, priors too, as diffusers' DreamBooth script draws it.
    noise = torch.randn(latents.shape, generator=generator)  # (N, C, h, w)
    times = torch.randint(len(schedule), (len(latents),), generator=generator)  # (N,)
    device = latents.device
    return Batch(latents, noise.to(device), times.to(device), (which[0], which[1]))
