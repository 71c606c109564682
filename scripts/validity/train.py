"""Trains the zoo's members, each from its seed; resumable."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scripts.train_micro.classifiers import BATCH, Normalised, attack, augment, make_classifier
from scripts.train_micro.loop import train

from .data import Pictures, load
from .members import Member, members
from .weights import keep, kept

TUNING_RATE = 0.2  # of the rate that the network was trained with
CLASSES = 12


def trained(member: Member, work: Path) -> Normalised:
    """The member as it is kept (weights.py), trained now where it is not."""
    network = make_classifier(member.recipe, CLASSES)
    state = kept(member.name)
    if state is None:
        keep(member.name, _train(member, work).state_dict())
        state = kept(member.name)
        assert state is not None
    network.load_state_dict(state)
    return network.eval()


def _train(member: Member, work: Path) -> Normalised:
    network = make_classifier(member.recipe, CLASSES)
    if member.start is not None:
        start = next(m for m in members() if m.name == member.start)
        network.load_state_dict(trained(start, work).state_dict())
    if member.layers == "head":
        _freeze_all_but_head(network)
    pictures = load(member.data, work)
    steps = member.steps or member.recipe.epochs * len(pictures.images) // BATCH

    def loss(generator: torch.Generator, step: int) -> Tensor:
        if member.layers == "head":
            network.eval()  # its running means are not the head's
        return _loss(member, network, pictures, generator, step / steps)

    train(
        f"zoo-{member.name}",
        network,
        loss,
        steps=steps,
        rate=member.recipe.rate * (TUNING_RATE if member.start else 1.0),
        work=work,
        seed=member.recipe.seed,
    )
    return network


def _loss(
    member: Member,
    network: Normalised,
    pictures: Pictures,
    generator: torch.Generator,
    progress: float,
) -> Tensor:
    recipe = member.recipe
    index = _drawn(pictures, member.balanced, generator)
    images = augment(pictures.floats(index), generator, recipe.jitter, recipe.erase)
    if member.grey and torch.rand((), generator=generator) < member.grey:
        images = images.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    labels = pictures.labels[index]
    if recipe.epsilon:
        epsilon = recipe.epsilon * min(1.0, progress / 0.3)
        rate = 1.5 * epsilon / recipe.attack_steps
        images = attack(network, images, labels, epsilon, recipe.attack_steps, rate, generator)
        network.train()
    return F.cross_entropy(network(images), labels, label_smoothing=recipe.smoothing)


def _drawn(pictures: Pictures, balanced: bool, generator: torch.Generator) -> Tensor:
    """A batch's indices (n,): uniform, or half of them without the class's companion."""
    if not balanced:
        return torch.randint(len(pictures.images), (BATCH,), generator=generator)
    halves = []
    for part in (pictures.companions, ~pictures.companions):
        there = part.nonzero()[:, 0]
        halves.append(there[torch.randint(len(there), (BATCH // 2,), generator=generator)])
    return torch.cat(halves)


def _freeze_all_but_head(network: nn.Module) -> None:
    head = network.network.get_classifier()  # type: ignore[operator, union-attr]
    for weight in network.parameters():
        weight.requires_grad_(False)
    for weight in head.parameters():
        weight.requires_grad_(True)
