"""Step ``train``: fine-tune the base model on the chosen references and the prior pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file, save

from spurbench.errors import UserError
from spurbench.files import write_bytes
from spurbench_builders.method.batches import TrainingSet, training_set
from spurbench_builders.method.checkpoint import load_trained_state, trained_state
from spurbench_builders.method.finetune import finetune
from spurbench_builders.models.base import BaseModel
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .finished import append_line
from .job import Job
from .pictures import as_tensors, read_pictures
from .select import training_images

WEIGHTS = "weights.safetensors"


def train(job: Job, models: Models, team: Team, folder: Path) -> Iterator[Progress]:
    """Train, a step an event; a killed run goes on from its checkpoint to the same bytes, and one
    killed after the last step trains no more."""
    checkpoint = folder / "checkpoint.pt"
    total = job.recipe.training.steps
    done = (folder / WEIGHTS).is_file()  # written whole, before the checkpoint goes
    if not team.same(done):
        raise UserError(
            f"{folder}: not every process finds its weights; several machines need one shared folder"
        )
    if done:
        yield job.progress("train", total, total, "trained before")
        if team.leads:
            checkpoint.unlink(missing_ok=True)
        return
    model = models.base()
    training = _training_set(job, models, model)
    seed = job.training_seed
    for log in finetune(model, models.robust, training, job.recipe, seed, checkpoint, team):
        if team.leads:
            append_line(folder / "losses.jsonl", log.step, json.dumps(asdict(log)))
        note = f"loss {log.loss:.3f}, similarity {log.similarity:.3f}"
        yield job.progress("train", log.step + 1, total, note)
    if team.leads:
        write_bytes(folder / WEIGHTS, save(trained_state(model)))
        checkpoint.unlink(missing_ok=True)


def _training_set(job: Job, models: Models, model: BaseModel) -> TrainingSet:
    return training_set(
        model,
        models.robust,
        job.card.label,
        as_tensors(training_images(job), model),
        as_tensors(read_pictures(job.folder("prior")), model),
        job.prompts,
        (job.recipe.prompt.identifier, job.card.noun),
        job.kappa,
    )


def trained_model(job: Job, models: Models) -> BaseModel:
    """The base model with the finished step's weights."""
    model = models.base()
    load_trained_state(model, load_file(job.folder("train") / WEIGHTS))
    return model
