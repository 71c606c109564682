"""One cell of an ablation: a variant trained on a class with a seed, sampled and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from spurbench.dataset.schema import PanelPrediction
from spurbench.pictures import png_bytes
from spurbench_builders.checks.audit import object_probabilities
from spurbench_builders.inputs.panel import as_lists, fools_all, from_lists, panel_predictions
from spurbench_builders.method.sampling import sample
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.steps import engine
from spurbench_builders.steps.finished import load_json, run_step, save_json
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.judge import judged
from spurbench_builders.steps.pictures import read_pictures
from spurbench_builders.steps.select import selected
from spurbench_builders.steps.train import trained_model

from .variants import Variant

GOAL = "audit"
"""A cell goes through a build's steps up to this one: all but the making of splits."""
SHOWN = 4
"""Pictures of each recontextualised prompt that are kept to look at."""


@dataclass(frozen=True)
class Cell:
    """A variant, class and seed; its work lies where a build's would."""

    variant: Variant
    job: Job
    models: Models

    def run(self, contexts: int) -> Iterator[Progress]:
        """Train, sample and audit; then ``contexts`` pictures for each recontextualised prompt."""
        yield from engine.work(self.job, self.models, self.models.team, GOAL)
        if contexts:
            for i, words in enumerate(self.variant.recipe.prompt.contexts):
                name = f"context-{i}-{contexts}"
                make = partial(self._context, words=words, count=contexts)
                yield from run_step(self.job.root, name, make)

    def counts(self) -> dict[str, Any]:
        """What the audit found, counted."""
        samples = judged(self.job)
        objects = [f["object_probability"] for f in samples.findings]
        counts = _counts(samples.predictions, objects, self._threshold, self._label)
        degenerate = sum(f["degenerate"] for f in samples.findings)
        return {**self._names(), **counts, "degenerate": degenerate}

    def context_counts(self, contexts: int) -> list[dict[str, Any]]:
        """The same for each recontextualised prompt."""
        rows = []
        for i, words in enumerate(self.variant.recipe.prompt.contexts if contexts else ()):
            stored = load_json(self.job.folder(f"context-{i}-{contexts}") / "context.json")
            predictions = from_lists(stored["predictions"])
            counts = _counts(predictions, stored["objects"], self._threshold, self._label)
            rows.append({**self._names(), "context": words, **counts})
        return rows

    def pool_counts(self) -> dict[str, Any]:
        """The class's reference pool: hits by panel member."""
        predictions = selected(self.job).predictions
        counts = _counts(predictions, [None] * len(predictions), 1.0, self._label)
        return {"class": self.job.card.name, **counts}

    def prior_counts(self) -> dict[str, Any]:
        """The untrained base model's pictures of the plain noun."""
        images = read_pictures(self.job.folder("prior"))
        predictions = panel_predictions(self.models.panel, images, self._label)
        counts = _counts(predictions, self._objects(images), self._threshold, self._label)
        return {**self._names(), "variant": "base", **counts}

    def _context(self, folder: Path, words: str, count: int) -> Iterator[Progress]:
        seeds = self.job.sample_seeds[:count]
        prompt = f"{self.job.prompts[0]} {words}"
        model = trained_model(self.job, self.models)
        batches = sample(model, prompt, seeds, self.variant.recipe.sampling)
        images = [image for batch in batches for image in batch]
        predictions = panel_predictions(self.models.panel, images, self._label)
        for i, image in enumerate(images[:SHOWN]):
            (folder / f"{i}.png").write_bytes(png_bytes(image))
        objects = self._objects(images)
        findings = {"prompt": prompt, "predictions": as_lists(predictions), "objects": objects}
        save_json(folder / "context.json", findings)
        yield Progress(self.job.card.name, f"prompt '... {words}'", count, count)

    def _objects(self, images: Sequence[Image.Image]) -> list[float | None]:
        referee = self.models.referee
        if referee is None:
            return [None] * len(images)
        return list(object_probabilities(images, referee, self.job.card.name))

    def _names(self) -> dict[str, Any]:
        name, seed = self.job.card.name, self.job.request.seed
        return {"variant": self.variant.name, "class": name, "seed": seed}

    @property
    def _threshold(self) -> float:
        return self.variant.recipe.audit.threshold

    @property
    def _label(self) -> int:
        return self.job.card.label


def _counts(
    predictions: Sequence[tuple[PanelPrediction, ...]],
    objects: Sequence[float | None],
    threshold: float,
    label: int,
) -> dict[str, Any]:
    """Pictures, hits by panel member, those that fool all, those in which the referee found the
    object, and the same hits without these (``clean``); None for what takes a referee where none is."""
    measured = None not in objects
    shown = [p is not None and p > threshold for p in objects]
    everyone = [fools_all(row, label) for row in predictions]
    hits = [[p.label == label for p in row] for row in predictions]
    members = range(len(predictions[0]))
    return {
        "n": len(predictions),
        "hits": [sum(row[m] for row in hits) for m in members],
        "clean_hits": [
            sum(row[m] for row, s in zip(hits, shown, strict=True) if not s) for m in members
        ]
        if measured
        else None,
        "consistent": sum(everyone),
        "clean_consistent": sum(e and not s for e, s in zip(everyone, shown, strict=True))
        if measured
        else None,
        "object_found": sum(shown) if measured else None,
    }
