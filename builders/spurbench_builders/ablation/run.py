"""Runs an ablation's cells, as many processes at once as one likes, and gathers their record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spurbench import plugins
from spurbench.contracts import ClassCard, Domain
from spurbench.files import friendly_disk_errors
from spurbench.locks import held
from spurbench.parallel import computing_with
from spurbench_builders.inputs.pool import PoolPicture, pool_of
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.run.check import check
from spurbench_builders.steps.finished import load_json, save_json
from spurbench_builders.steps.identity import package_versions
from spurbench_builders.steps.job import job_of
from spurbench_builders.team import Team
from spurbench_builders.threads import threads_for

from .cells import Cell
from .variants import FULL, Variant


@dataclass(frozen=True)
class AblationRequest:
    """Variants x classes x seeds; ``images`` pictures a cell, and ``contexts`` for each
    recontextualised prompt of the last variant, the recipe itself."""

    variants: tuple[Variant, ...]
    classes: tuple[ClassCard, ...]
    seeds: tuple[int, ...]
    images: int
    contexts: int
    work: Path

    @property
    def base(self) -> Variant:
        """The recipe that the others are derived from."""
        return next(v for v in self.variants if v.name == FULL)


class Ablation:
    """The work of a request; its unit is a block, all variants of one class and seed, which one
    process claims. Several processes with the same command share the blocks out."""

    def __init__(self, request: AblationRequest) -> None:
        self.request = request
        self.domain: Domain = plugins.domain(request.base.recipe.domain)
        self._models: dict[str, Models] = {}
        self._pools: dict[tuple[str, int], tuple[PoolPicture, ...]] = {}
        self._done: set[tuple[str, int]] = set()

    def run(self) -> Iterator[Progress]:
        """Every block that is neither finished nor another process's, then those that are left."""
        with friendly_disk_errors(self.request.work):
            for patient in (False, True):
                for seed in self.request.seeds:
                    for card in self.request.classes:
                        if (card.slug, seed) in self._done:
                            continue
                        lock = self.request.work / f".{card.slug}-{seed}.lock"
                        with held(lock, wait=patient) as mine:
                            if mine:
                                yield from self._block(card, seed)
                                self._done.add((card.slug, seed))

    def record(self) -> dict[str, Any]:
        """All counts, and what they come from; every cell must be finished."""
        r = self.request
        cells = [c for s in r.seeds for card in r.classes for c in self._cells(card, s)]
        full = [c for c in cells if c.variant.name == FULL]
        recipe = r.base.recipe
        return {
            "recipe": recipe.name,
            "fingerprint": recipe.fingerprint(),
            "images": r.images,
            "seeds": list(r.seeds),
            "classes": [c.name for c in r.classes],
            "panel": [network.spec for network in recipe.panel],
            "versions": package_versions(recipe),
            "variants": [
                {
                    "name": v.name,
                    "title": v.title,
                    "fingerprint": v.recipe.fingerprint(),
                    "reading": v.reading,
                    "kappa": v.kappa,
                }
                for v in r.variants
            ],
            "pool": [c.pool_counts() for c in full if c.job.request.seed == r.seeds[0]],
            "base": [load_json(self._base_file(c)) for c in full],
            "cells": [c.counts() for c in cells],
            "contexts": [row for c in full for row in c.context_counts(r.contexts)],
        }

    def _block(self, card: ClassCard, seed: int) -> Iterator[Progress]:
        for cell in self._cells(card, seed):
            is_full = cell.variant.name == FULL
            with computing_with(threads_for(cell.variant.recipe.threads)):
                yield from cell.run(self.request.contexts if is_full else 0)
                if is_full and not self._base_file(cell).exists():
                    save_json(self._base_file(cell), cell.prior_counts())
            counts = cell.counts()
            note = f"{cell.variant.name}, seed {seed}: hits {counts['hits']} of {counts['n']}"
            yield Progress(card.name, "cell", 1, 1, note)

    def _cells(self, card: ClassCard, seed: int) -> list[Cell]:
        return [self._cell(variant, card, seed) for variant in self.request.variants]

    def _cell(self, variant: Variant, card: ClassCard, seed: int) -> Cell:
        out, recipe = self.request.work / "data", variant.recipe
        request = BuildRequest(recipe, (card,), self.request.images, seed, out)
        models = self._models_of(variant)
        key = (card.slug, recipe.references.pool)
        if key not in self._pools:  # drawn or read once a class, not once a cell
            self._pools[key] = pool_of(request, self.domain, card)
        return Cell(variant, job_of(request, card, models, models.team, self._pools[key]), models)

    def _models_of(self, variant: Variant) -> Models:
        """Networks are shared between variants: an ablation changes none of them."""
        recipe = variant.recipe
        key = repr(
            (
                recipe.base,
                recipe.base_revision,
                recipe.device,
                recipe.panel,
                recipe.similarity.robust,
                recipe.audit.referee,
            )
        )
        if key not in self._models:
            models = self._models[key] = Models(recipe, self.domain, Team(device=recipe.device))
            check(models, self.request.classes, models.team)
        return self._models[key]

    def _base_file(self, cell: Cell) -> Path:
        return cell.job.root / "base.json"


def all_counts(record: dict[str, Any], variant: str) -> Sequence[dict[str, Any]]:
    """The record's cells of a variant."""
    rows: list[dict[str, Any]] = record["base"] if variant == "base" else record["cells"]
    return [row for row in rows if row["variant"] == variant]
