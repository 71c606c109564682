"""Step ``sample``: the fine-tuned model's pictures, a seed each, none left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .job import Job
from .pictures import sample_into
from .train import trained_model


def sample(job: Job, models: Models, team: Team, folder: Path) -> Iterator[Progress]:
    """Sample the class's pictures; every process of the team does its share."""
    prompt, _ = job.prompts
    make_model = partial(trained_model, job, models)
    yield from sample_into(folder, job, team, "sample", make_model, prompt, job.sample_seeds)
