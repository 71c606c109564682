"""Made inputs of a build: pictures that say who they are, networks that answer by that, a tiny base.

Nothing here is alike where it could be: every network orders its outputs in its own way, every
picture has its own answers, and no number is both a label and a place. What a base model is made
of is imported here, once, for the tests that fork.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel  # noqa: F401
from PIL import Image
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer  # noqa: F401

from spurbench.contracts import ClassCard, DomainPicture, LabelSpace, ModelFacts, Transform
from spurbench.pictures import png_bytes
from spurbench_builders.inputs.pool import PoolPicture
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.models.needed import Models
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.steps.job import Job
from spurbench_builders.team import Team

CARD = ClassCard("freight car", 3, "leaves", "sprayed leaves")
OTHER = ClassCard("koala", 7, "flower", "red flower")
LABEL = CARD.label


def marked(number: int, size: tuple[int, int] = (14, 10)) -> Image.Image:
    """A picture of noise whose red channel is ``number`` all over."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels[..., 0] = number
    return Image.fromarray(pixels)


class Reader:
    """A classifier that reads a picture's number and gives the domain's label that ``answers`` has
    for it, 7 for others, or -1: an output that means no label. ``sure`` is the logit it gives."""

    def __init__(self, spec: str, labels: tuple[int, ...], answers: Mapping[int, int], sure: float):
        self.spec, self.answers, self.sure = spec, dict(answers), sure
        names = tuple(f"{spec} {i}" for i in range(len(labels)))
        self.label_space = LabelSpace(spec, "micro", names, labels)
        self.transform = Transform("squash", 8, 8)
        self.facts = ModelFacts("reader", 0, f"hash of {spec}", "made")

    def logits(self, images: Tensor) -> Tensor:
        logits = torch.zeros(len(images), len(self.label_space.names))
        labels = self.label_space.labels or ()
        for row, image in zip(logits, images, strict=True):
            number = int((image[0].mean() * 255).round())
            row[labels.index(self.answers.get(number, 7))] = self.sure
        return logits


class Featured(Reader):
    """A reader with features: means of the picture's corners, weighed unlike one another."""

    def features(self, images: Tensor) -> Tensor:
        corners = torch.nn.functional.adaptive_avg_pool2d(images, 2)  # (N, 3, 2, 2)
        return corners.flatten(1) * torch.linspace(0.5, 2, 12)  # (N, 12)

    @property
    def head(self) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(5)
        outputs = len(self.label_space.names)
        return torch.randn(outputs, 12, generator=generator), torch.zeros(outputs)


class Referee:
    """Says how much of each object it sees by the picture's number: koalas as sigmoid(number / 50
    - 2), freight cars as sigmoid(1 - number / 30)."""

    spec = "made/referee"
    label_space = LabelSpace("objects", "made", ("koala", "boat", "freight car"))
    transform = Transform("squash", 6, 6)
    facts = ModelFacts("referee", 0, "hash of referee", "made")

    def logits(self, images: Tensor) -> Tensor:
        number = (images[:, 0].mean(dim=(1, 2)) * 255).round()
        return torch.stack([number / 50 - 2, number * 0, 1 - number / 30], dim=1)


def panel() -> list[Reader]:
    """Two networks and what they take pictures 10, 20, 30 ... for; both say 3 of 20, 40 and 60."""
    one = {10: 3, 20: 3, 30: 7, 40: 3, 50: -1, 60: 3}
    two = {10: 7, 20: 3, 30: 3, 40: 3, 50: 3, 60: 3}
    return [Reader("made/one", (7, 3, -1), one, 2.0), Reader("made/two", (-1, 7, 5, 3), two, 3.0)]


class MadeDomain:
    """Pictures 10, 20 ... as references and 200, 201 ... for validation; other classes' are 100 and
    220 up."""

    name = "micro"

    def __init__(self, base: Path | None = None) -> None:
        self.base = base

    def cards(self) -> list[ClassCard]:
        return [OTHER, CARD]

    def references(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        for i in range(min(count, 6)):
            number = 10 * (i + 1) if card == CARD else 100 + i
            yield DomainPicture(marked(number), f"reference {number}")

    def validation(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        for i in range(min(count, 6)):
            number = (200 if card == CARD else 220) + i
            yield DomainPicture(marked(number), f"validation {number}")

    def base_model(self, name: str) -> Path | None:
        return self.base


def made_recipe(**changes: Any) -> Recipe:
    """A recipe with a value of its own in every field that a step looks at."""
    small: dict[str, Any] = {
        "name": "made",
        "prompt": {"instance": "a photo of a {identifier} {noun}", "prior": "a photo of {noun}"},
        "references": {"pool": 6, "count": 2, "validation": 3},
        "panel": ["made/one", "made/two"],
        "prior": {"images": 3},
        "training": {"steps": 3, "batch": 2, "checkpoint_every": 2},
        "similarity": {"weight": 0.7, "class_weights": {"koala": 0.2, "freight car": 0.4}},
        "sampling": {"steps": 2, "batch": 2},
        "audit": {"threshold": 0.3},
    }
    return derived(derived(load_recipe("micro"), small, "made"), changes, "made")


def made_models(base: Path, recipe: Recipe | None = None) -> Models:
    """The made networks, as a recipe's."""
    models = Models(recipe or made_recipe(), MadeDomain(base), Team())
    robust = Featured("made/robust", (5, 3, 7), {}, 1.0)
    vars(models).update(panel=panel(), robust=robust, referee=Referee())
    return models


def made_request(out: Path, recipe: Recipe | None = None, **options: Any) -> BuildRequest:
    words = {"images": 5, "seed": 4, **options}
    return BuildRequest(recipe or made_recipe(), (CARD,), out=out, **words)


def made_pool(*numbers: int) -> tuple[PoolPicture, ...]:
    return tuple(PoolPicture(png_bytes(marked(n)), f"picture {n}") for n in numbers)


def made_job(out: Path, recipe: Recipe | None = None, **options: Any) -> Job:
    """The job of CARD whose pool are pictures 10, 20 ... 60."""
    request = made_request(out, recipe, **options)
    return Job(CARD, request, made_pool(10, 20, 30, 40, 50, 60), {"made": "identity"})
