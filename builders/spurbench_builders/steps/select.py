"""Step ``references``: the panel looks at the pool, and pictures that fool all of it are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from spurbench.dataset.schema import PanelPrediction
from spurbench_builders.inputs.panel import as_lists, from_lists, panel_predictions, panel_summary
from spurbench_builders.inputs.pool import PoolPicture
from spurbench_builders.inputs.references import (
    consistent_references,
    drawn_at_random,
    drawn_from_strata,
)
from spurbench_builders.method.similarity import class_features_of
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .finished import load_json, save_json
from .job import Job

FILE = "references.json"


def references(job: Job, models: Models, team: Team, folder: Path) -> Iterator[Progress]:
    """Choose the pictures that are trained on; UserError where too few fool the whole panel."""
    total = len(job.pool)
    yield job.progress("references", 0, total)
    images = [picture.image() for picture in job.pool]
    predictions = panel_predictions(models.panel, images, job.card.label)
    summary = panel_summary(models.panel, predictions, job.card.label)
    if job.request.asks_panel:
        count, name = job.recipe.references.count, job.card.name
        consistent = consistent_references(predictions, job.card.label, count, name, summary)
        chosen = CHOICES[job.recipe.references.choice](job, models, images, consistent)
    else:
        chosen = list(range(total))
    findings = {"chosen": chosen, "summary": summary, "predictions": as_lists(predictions)}
    save_json(folder / FILE, findings)
    yield job.progress("references", total, total, summary)


def _at_random(
    job: Job, models: Models, images: Sequence[Image.Image], consistent: list[int]
) -> list[int]:
    return drawn_at_random(consistent, job.recipe.references.count, job.request.seed)


def _from_strata(
    job: Job, models: Models, images: Sequence[Image.Image], consistent: list[int]
) -> list[int]:
    features = class_features_of(models.robust, job.card.label, [images[i] for i in consistent])
    return drawn_from_strata(
        consistent, features.cpu().numpy(), job.recipe.references.count, job.request.seed
    )


CHOICES = {"random": _at_random, "stratified": _from_strata}


@dataclass(frozen=True)
class Selected:
    """What the step found: places in the pool of the pictures trained on, and the panel's
    predictions for the whole pool."""

    chosen: list[int]
    predictions: list[tuple[PanelPrediction, ...]]


def selected(job: Job) -> Selected:
    """The finished step's findings."""
    stored = load_json(job.folder("references") / FILE)
    return Selected(stored["chosen"], from_lists(stored["predictions"]))


def training_references(job: Job) -> list[PoolPicture]:
    """The pictures that are trained on, as they lie in the pool."""
    return [job.pool[i] for i in selected(job).chosen]


def training_images(job: Job) -> list[Image.Image]:
    """The same, decoded."""
    return [picture.image() for picture in training_references(job)]
