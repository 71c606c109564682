"""One class's build as plain data: what is to be made, from what, and where; no networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spurbench.contracts import ClassCard
from spurbench.files import sha256_json
from spurbench_builders.inputs.pool import PoolPicture, pool_of
from spurbench_builders.inputs.request import BuildRequest, work_root
from spurbench_builders.method.sampling import picture_seed
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team

from .identity import identity_of

PRIOR_SEEDS = 500_000
"""Prior pictures take their seeds above those of samples."""
TRAINING_SEEDS = 700_000
"""A class's training takes its seed above those, by its label."""


def training_seed(seed: int, label: int) -> int:
    """Seed of a class's training. Each class draws its own: under a shared one the classes of a build
    may err the same way, and the mean over them gains little from their number."""
    return picture_seed(seed, TRAINING_SEEDS + label)


@dataclass(frozen=True)
class Job:
    """One class of a request. ``pool`` are the pictures that it starts from; ``identity`` is
    everything that decides its bytes: a change of any of it is another work folder."""

    card: ClassCard
    request: BuildRequest
    pool: tuple[PoolPicture, ...]
    identity: dict[str, Any]

    @property
    def recipe(self) -> Recipe:
        """How it is made."""
        return self.request.recipe

    @cached_property
    def root(self) -> Path:
        """The work folder of this class and identity."""
        key = sha256_json(self.identity)[:12]
        return work_root(self.request.out) / f"{self.card.slug}-{key}"

    def folder(self, step: str) -> Path:
        """Where a finished step's files lie."""
        return self.root / step

    @property
    def prompts(self) -> tuple[str, str]:
        """Instance and prior prompt."""
        prompt = self.recipe.prompt
        words = {"identifier": prompt.identifier, "noun": self.card.noun}
        return prompt.instance.format(**words), prompt.prior.format(**words)

    @property
    def kappa(self) -> float:
        """The similarity loss's weight for this class."""
        return self.recipe.similarity.kappa(self.card.name)

    @property
    def sample_seeds(self) -> list[int]:
        """Seeds of the pictures, in order."""
        return [picture_seed(self.request.seed, i) for i in range(self.request.images)]

    @property
    def training_seed(self) -> int:
        """Seed of the training's draws."""
        return training_seed(self.request.seed, self.card.label)

    @property
    def prior_seeds(self) -> list[int]:
        """Seeds of the prior pictures, in order."""
        count = self.recipe.prior.images
        return [picture_seed(self.request.seed, PRIOR_SEEDS + i) for i in range(count)]

    def progress(self, step: str, done: int, total: int, note: str = "") -> Progress:
        """An event of this class; says of which seed where there are several."""
        if self.request.beside:
            note = f"seed {self.request.seed}{': ' if note else ''}{note}"
        return Progress(self.card.name, step, done, total, note)


def job_of(
    request: BuildRequest,
    card: ClassCard,
    models: Models,
    team: Team,
    pool: Sequence[PoolPicture] | None = None,
) -> Job:
    """The job of one class of the request; ``pool`` where its pictures have been read already."""
    pictures = pool_of(request, models.domain, card) if pool is None else tuple(pool)
    return Job(card, request, pictures, identity_of(request, card, pictures, models, team))
