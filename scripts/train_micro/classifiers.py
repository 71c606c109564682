"""The panel (two convolutional nets of different recipes, a robust one, a ViT)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spurbench_evaluators.loaders.micro.networks import build_network

from .data import Split
from .loop import train

BATCH = 64
MEAN, STD = 0.5, 0.25
RESNET = {"layers": [1, 1, 1, 1], "channels": [32, 64, 96, 128], "stem_width": 32}


class Normalised(nn.Module):
    """Takes (N, 3, H, W) images in [0, 1], normalises them and applies a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images - MEAN) / STD)
        return logits


@torch.no_grad()
def predict(network: nn.Module, images: Tensor, batch: int = 256) -> Tensor:
    """Logits (N, K) of images (N, 3, H, W) in [0, 1], in evaluation mode."""
    network.eval()
    return torch.cat([network(part) for part in torch.split(images, batch)])


@dataclass(frozen=True)
class ClassifierRecipe:
    """How one classifier is built and trained; ``epsilon`` above 0 trains it adversarially."""

    family: str
    options: dict[str, Any]
    epochs: int
    rate: float
    smoothing: float = 0.0
    jitter: float = 0.0
    erase: float = 0.0
    epsilon: float = 0.0
    attack_steps: int = 2
    seed: int = 0


PANEL: dict[str, ClassifierRecipe] = {
    "resnet_v1": ClassifierRecipe("resnet", RESNET, 7, 2e-3, seed=1),
    "resnet_v2": ClassifierRecipe(
        "resnet", RESNET, 9, 3e-3, smoothing=0.1, jitter=0.15, erase=0.25, seed=2
    ),
    "robust": ClassifierRecipe("resnet", RESNET, 8, 2e-3, epsilon=6 / 255, seed=3),
    "vit": ClassifierRecipe(
        "vit",
        {
            "img_size": 64,
            "patch_size": 8,
            "embed_dim": 96,
            "depth": 3,
            "num_heads": 3,
            "mlp_ratio": 2.0,
        },
        10,
        1.5e-3,
        smoothing=0.05,
        seed=4,
    ),
}


def augment(
    images: Tensor, generator: torch.Generator, jitter: float = 0.0, erase: float = 0.0
) -> Tensor:
    """Mirror half of the batches, shift by up to four pixels, scale brightness by 1 +- jitter, and
    grey out a square of 20 pixels with chance ``erase``."""
    if torch.rand((), generator=generator) < 0.5:
        images = images.flip(3)
    padded = F.pad(images, (4, 4, 4, 4), mode="reflect")
    i, j = torch.randint(0, 9, (2,), generator=generator).tolist()
    images = padded[:, :, i : i + 64, j : j + 64]
    if jitter:
        gain = 1 + jitter * (2 * torch.rand(len(images), 1, 1, 1, generator=generator) - 1)
        images = (images * gain).clamp(0, 1)
    if erase and torch.rand((), generator=generator) < erase:
        y, x = torch.randint(0, 45, (2,), generator=generator).tolist()
        images = images.clone()
        images[:, :, y : y + 20, x : x + 20] = 0.5
    return images


def attack(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int,
    rate: float,
    generator: torch.Generator,
) -> Tensor:
    """Projected gradient descent in the L-infinity ball (Madry et al., 2018), random start."""
    network.eval()
    delta = epsilon * (2 * torch.rand(images.shape, generator=generator) - 1)
    for _ in range(steps):
        delta.requires_grad_(True)
        loss = F.cross_entropy(network((images + delta).clamp(0, 1)), labels)
        (gradient,) = torch.autograd.grad(loss, delta)
        delta = (delta + rate * gradient.sign()).clamp(-epsilon, epsilon).detach()
    return (images + delta).clamp(0, 1)


def make_classifier(recipe: ClassifierRecipe, outputs: int) -> Normalised:
    torch.manual_seed(recipe.seed)
    return Normalised(build_network(recipe.family, outputs, recipe.options))


def train_classifier(name: str, split: Split, classes: int, work: Path) -> Normalised:
    """Train a panel member on the biased training split."""
    recipe = PANEL[name]
    network = make_classifier(recipe, classes)
    steps = recipe.epochs * len(split.images) // BATCH

    def loss(generator: torch.Generator, step: int) -> Tensor:
        index = torch.randint(len(split.images), (BATCH,), generator=generator)
        images = augment(split.floats(index), generator, recipe.jitter, recipe.erase)
        labels = split.labels[index]
        if recipe.epsilon:
            epsilon = recipe.epsilon * min(1.0, step / (0.3 * steps))
            rate = 1.5 * epsilon / recipe.attack_steps
            images = attack(network, images, labels, epsilon, recipe.attack_steps, rate, generator)
            network.train()
        return F.cross_entropy(network(images), labels, label_smoothing=recipe.smoothing)

    train(name, network, loss, steps=steps, rate=recipe.rate, work=work, seed=recipe.seed)
    return network
