"""Step ``audit``: what panel, referee and safety checker say of the sampled pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spurbench.dataset.schema import PanelPrediction
from spurbench_builders.checks.audit import audit, audit_summary
from spurbench_builders.checks.safety import safety_verdicts
from spurbench_builders.inputs.panel import as_lists, from_lists, panel_predictions, panel_summary
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .finished import load_json, save_json
from .job import Job
from .pictures import read_pictures
from .select import training_images

FILE = "audit.json"


def judge(job: Job, models: Models, team: Team, folder: Path) -> Iterator[Progress]:
    """Judge every picture; nothing is left out for what is found."""
    images = read_pictures(job.folder("sample"))
    yield job.progress("audit", 0, len(images))
    predictions = panel_predictions(models.panel, images, job.card.label)
    findings = audit(images, training_images(job), models.referee, job.card.name)
    safety = safety_verdicts(models.base_folder, images, team.device)
    summary = panel_summary(models.panel, predictions, job.card.label)
    summary += audit_summary(findings, job.recipe.audit.threshold)
    save_json(
        folder / FILE,
        {
            "summary": summary,
            "predictions": as_lists(predictions),
            "findings": [asdict(f) for f in findings],
            "safety": safety,
        },
    )
    yield job.progress("audit", len(images), len(images), summary)


@dataclass(frozen=True)
class Judged:
    """What the step found, an entry a picture: the panel's predictions, the audit's findings (as
    JSON has them) and the safety checker's flags; and all of it in words."""

    summary: str
    predictions: list[tuple[PanelPrediction, ...]]
    findings: list[dict[str, Any]]
    safety: list[bool] | None


def judged(job: Job) -> Judged:
    """The finished step's findings."""
    stored = load_json(job.folder("audit") / FILE)
    predictions = from_lists(stored["predictions"])
    return Judged(stored["summary"], predictions, stored["findings"], stored["safety"])
