"""The referee: says of any picture which objects and which companions it shows.

It learns from decorrelated pictures and large objects, every other batch passed through the base
model's autoencoder, so that it judges generated pictures by what is there and not by what usually comes together.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from spurbench_builders.domains.micro.world.sampling import world

from .classifiers import BATCH, RESNET, ClassifierRecipe, Normalised, augment, make_classifier
from .data import Split
from .loop import train

WIDER = {**RESNET, "channels": [40, 80, 120, 160], "stem_width": 40}
RECIPE = ClassifierRecipe("resnet", WIDER, 10, 3e-3, jitter=0.1, seed=5)
# Each output is 0 far more often than 1; without this weight the referee misses small objects.
POSITIVE_WEIGHT = 3.0


def names() -> list[str]:
    """The referee's outputs: the objects in label order, then the companions' nouns."""
    return [c.name for c in world().classes] + list(world().nouns.values())


def targets(split: Split) -> Tensor:
    """(N, 18) in {0, 1}: what each picture shows."""
    columns = {name: i for i, name in enumerate(names())}
    wanted = torch.zeros(len(split.shown), len(columns))
    for row, shown in zip(wanted, split.shown, strict=True):
        if shown["object"]:
            row[columns[str(shown["object"])]] = 1
        if shown["companion"]:
            row[columns[world().nouns[str(shown["companion"])]]] = 1
    return wanted


@torch.no_grad()
def reconstructed(vae: AutoencoderKL, split: Split) -> Tensor:
    """The split's pictures as the autoencoder gives them back, uint8 (N, 3, 64, 64)."""
    parts = []
    for i in range(0, len(split.images), 100):
        latents = vae.encode(split.floats(slice(i, i + 100)) * 2 - 1).latent_dist.mean
        output = vae.decode(latents).sample
        parts.append(((output / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8))
    return torch.cat(parts)


def train_referee(split: Split, vae: AutoencoderKL, work: Path) -> Normalised:
    """Train on plain and reconstructed pictures with one binary loss an output."""
    network: Normalised = make_classifier(RECIPE, len(names()))
    wanted = targets(split)
    path = work / "reconstructed.pt"
    if not path.exists():
        torch.save(reconstructed(vae, split), path)
    again = torch.load(path, weights_only=True)
    steps = RECIPE.epochs * len(split.images) // BATCH

    def loss(generator: torch.Generator, step: int) -> Tensor:
        index = torch.randint(len(split.images), (BATCH,), generator=generator)
        source = split.images if step % 2 else again
        images = augment(source[index].float() / 255, generator, RECIPE.jitter)
        noise = 0.02 * torch.rand((), generator=generator)
        images = images + noise * torch.randn(images.shape, generator=generator)
        return F.binary_cross_entropy_with_logits(
            network(images.clamp(0, 1)), wanted[index], pos_weight=torch.tensor(POSITIVE_WEIGHT)
        )

    train("referee", network, loss, steps=steps, rate=RECIPE.rate, work=work, seed=RECIPE.seed)
    return network
