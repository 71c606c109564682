"""One cell of an ablation: a variant trained on a class with a seed, sampled and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from spurbench.contracts import Domain
from spurbench.dataset.schema import PanelPrediction
from spurbench.pictures import png_bytes, read_rgb
from spurbench_builders.checks.audit import object_probabilities
from spurbench_builders.inputs import panel as panels
from spurbench_builders.method.sampling import sample
from spurbench_builders.run.build import ClassBuild
from spurbench_builders.run.request import BuildRequest, Models
from spurbench_builders.steps.files_of_step import picture_files
from spurbench_builders.steps.finished import Progress, load_json, run_step, save_json
from spurbench_builders.steps.rows import from_lists

from .variants import Variant

STEPS = ("references", "prior", "train", "sample", "audit")
"""A cell's steps of a build: all but the making of splits."""


class Cell:
    """A variant, class and seed; its work lies where a build's would."""

    def __init__(
        self, variant: Variant, request: BuildRequest, domain: Domain, models: Models
    ) -> None:
        self.variant, self.request, self.models = variant, request, models
        self.card = request.classes[0]
        self.job = ClassBuild(request, domain, models, self.card)

    def run(self, contexts: int) -> Iterator[Progress]:
        """Train, sample and audit; then ``contexts`` pictures for each recontextualised prompt."""
        yield from self.job.work(STEPS)
        if contexts:
            for i, words in enumerate(self.variant.recipe.prompt.contexts):
                name = f"context-{i}-{contexts}"
                make = partial(self._context, words=words, count=contexts)
                yield from run_step(self.job.root, name, make)

    def counts(self) -> dict[str, Any]:
        """What the audit found, counted."""
        audited = load_json(self.job.root / "audit" / "audit.json")
        objects = [f["object_probability"] for f in audited["findings"]]
        found = _counts(from_lists(audited["predictions"]), objects, self._threshold, self._label)
        found["degenerate"] = sum(f["degenerate"] for f in audited["findings"])
        return {**self._names(), **found}

    def context_counts(self, contexts: int) -> list[dict[str, Any]]:
        """The same for each recontextualised prompt."""
        rows = []
        for i, words in enumerate(self.variant.recipe.prompt.contexts if contexts else ()):
            stored = load_json(self.job.root / f"context-{i}-{contexts}" / "context.json")
            said = from_lists(stored["predictions"])
            found = _counts(said, stored["objects"], self._threshold, self._label)
            rows.append({**self._names(), "context": words, **found})
        return rows

    def pool_counts(self) -> dict[str, Any]:
        """The class's reference pool: hits by panel member."""
        said = from_lists(
            load_json(self.job.root / "references" / "references.json")["predictions"]
        )
        return {"class": self.card.name, **_counts(said, [None] * len(said), 1.0, self._label)}

    def prior_counts(self) -> dict[str, Any]:
        """The untrained base model's pictures of the plain noun."""
        images = [read_rgb(p) for p in picture_files(self.job.root / "prior")]
        said = panels.panel_predictions(self.models.panel, images, self._label)
        found = _counts(said, self._objects(images), self._threshold, self._label)
        return {**self._names(), "variant": "base", **found}

    def _context(self, folder: Path, words: str, count: int) -> Iterator[Progress]:
        seeds = self.job.sample_seeds()[:count]
        prompt = f"{self.job.prompts[0]} {words}"
        model = self.job.trained()
        images = [
            image
            for batch in sample(model, prompt, seeds, self.variant.recipe.sampling)
            for image in batch
        ]
        said = panels.panel_predictions(self.models.panel, images, self._label)
        for i, image in enumerate(images[:4]):  # a few to look at
            (folder / f"{i}.png").write_bytes(png_bytes(image))
        predictions = [[p.__dict__ for p in row] for row in said]
        save_json(
            folder / "context.json",
            {"prompt": prompt, "predictions": predictions, "objects": self._objects(images)},
        )
        yield Progress(self.card.name, f"prompt '... {words}'", count, count)

    def _objects(self, images: Sequence[Any]) -> list[float | None]:
        referee = self.models.referee
        if referee is None:
            return [None] * len(images)
        return list(object_probabilities(images, referee, self.card.name))

    def _names(self) -> dict[str, Any]:
        seed = self.request.seed
        return {"variant": self.variant.name, "class": self.card.name, "seed": seed}

    @property
    def _threshold(self) -> float:
        return self.variant.recipe.audit.threshold

    @property
    def _label(self) -> int:
        return self.card.label


def _counts(
    said: Sequence[tuple[PanelPrediction, ...]],
    objects: Sequence[float | None],
    threshold: float,
    label: int,
) -> dict[str, Any]:
    """Pictures, hits by panel member, those that fool all, those in which the referee found the
    object, and the same hits without these (``clean``)."""
    shown = [p is not None and p > threshold for p in objects]
    everyone = [panels.fools_all(row, label) for row in said]
    hits = [[p.label == label for p in row] for row in said]
    members = range(len(said[0]))
    return {
        "n": len(said),
        "hits": [sum(row[m] for row in hits) for m in members],
        "clean_hits": [
            sum(row[m] for row, s in zip(hits, shown, strict=True) if not s) for m in members
        ],
        "consistent": sum(everyone),
        "clean_consistent": sum(e and not s for e, s in zip(everyone, shown, strict=True)),
        "object_found": sum(shown),
    }
