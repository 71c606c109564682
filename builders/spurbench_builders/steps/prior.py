"""Step ``prior``: the untrained base model's pictures of the plain noun (Eq. 2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .job import Job
from .pictures import sample_into


def prior(job: Job, models: Models, team: Team, folder: Path) -> Iterator[Progress]:
    """Sample the prior pictures; every process of the team does its share."""
    _, prompt = job.prompts
    yield from sample_into(folder, job, team, "prior", models.base, prompt, job.prior_seeds)
