"""Where the spread over build seeds comes from: the parts of a build under seeds of their own.

    python -m scripts.validity.noise --work build/noise --name default
    python -m scripts.validity.noise --work build/noise --name averaged --set training.average=0.98

One build has one seed for the references it draws, its training and its samples. Here each has its own,
and all of them are crossed with one another and with the classes. Resumes.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image

from spurbench import plugins
from spurbench.contracts import ClassCard
from spurbench_builders.checks.audit import object_probabilities
from spurbench_builders.inputs.panel import fools_all, panel_predictions
from spurbench_builders.inputs.references import drawn_at_random, drawn_from_strata
from spurbench_builders.method.batches import training_set
from spurbench_builders.method.finetune import finetune
from spurbench_builders.method.sampling import picture_seed, sample
from spurbench_builders.method.similarity import class_features_of
from spurbench_builders.models.base import BaseModel
from spurbench_builders.models.needed import Models
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.steps.job import PRIOR_SEEDS, training_seed
from spurbench_builders.steps.pictures import as_tensors
from spurbench_builders.team import Team


@dataclass(frozen=True)
class Cell:
    """What came of one class under three seeds: of ``n`` pictures, how many each panel member took
    for the class (``hits``), and those without pictures that show the object (``clean``)."""

    class_name: str
    references: int
    training: int
    samples: int
    n: int
    hits: list[int]
    clean: list[int]
    object_found: int


class Parts:
    """A recipe's parts for one class after another, each under its own seed."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.domain = recipe, plugins.domain(recipe.domain)
        self.models = Models(recipe, self.domain, Team())

    def pool(self, card: ClassCard, selectors: Sequence[str] = ()) -> list[Image.Image]:
        """Pictures of the class's pool that fool the panel, or these of its members."""
        images = [p.image for p in self.domain.references(card, self.recipe.references.pool)]
        panel = [m for m in self.models.panel if not selectors or m.spec in selectors]
        said = panel_predictions(panel, images, card.label)
        return [
            image for image, row in zip(images, said, strict=True) if fools_all(row, card.label)
        ]

    def references(self, card: ClassCard, pool: list[Image.Image], seed: int) -> list[Image.Image]:
        """Those that are trained on, drawn as a build draws them."""
        places, count = list(range(len(pool))), self.recipe.references.count
        if self.recipe.references.choice == "random":
            return [pool[i] for i in drawn_at_random(places, count, seed)]
        features = class_features_of(self.models.robust, card.label, pool).numpy()
        return [pool[i] for i in drawn_from_strata(places, features, count, seed)]

    def trained(self, card: ClassCard, references: list[Image.Image], seed: int) -> BaseModel:
        """The model, fine-tuned with the training's and the prior pictures' seed."""
        recipe, model = self.recipe, self.models.base()
        instance, prior = self.prompts(card)
        seeds = [picture_seed(seed, PRIOR_SEEDS + i) for i in range(recipe.prior.images)]
        priors = [im for batch in self._batches(model, prior, seeds) for im in batch]
        training = training_set(
            model,
            self.models.robust,
            card.label,
            as_tensors(references, model),
            as_tensors(priors, model),
            (instance, prior),
            (recipe.prompt.identifier, card.noun),
            recipe.similarity.kappa(card.name),
        )
        own = training_seed(seed, card.label)
        for _ in finetune(model, self.models.robust, training, recipe, own, None):
            pass
        return model

    def samples(
        self, card: ClassCard, model: BaseModel, seed: int, count: int
    ) -> list[Image.Image]:
        """``count`` pictures of the model."""
        seeds = [picture_seed(seed, i) for i in range(count)]
        batches = self._batches(model, self.prompts(card)[0], seeds)
        return [image for batch in batches for image in batch]

    def judged(self, card: ClassCard, images: list[Image.Image]) -> dict[str, Any]:
        """What panel and referee say of pictures."""
        said = panel_predictions(self.models.panel, images, card.label)
        hits = np.array([[p.label == card.label for p in row] for row in said])  # (n, panel)
        assert self.models.referee is not None
        found = object_probabilities(images, self.models.referee, card.name)
        there = np.array(found) > self.recipe.audit.threshold
        return {
            "n": len(images),
            "hits": hits.sum(axis=0).tolist(),
            "clean": (hits & ~there[:, None]).sum(axis=0).tolist(),
            "object_found": int(there.sum()),
        }

    def prompts(self, card: ClassCard) -> tuple[str, str]:
        """Instance and prior prompt."""
        prompt = self.recipe.prompt
        words = {"identifier": prompt.identifier, "noun": card.noun}
        return prompt.instance.format(**words), prompt.prior.format(**words)

    def _batches(
        self, model: BaseModel, prompt: str, seeds: list[int]
    ) -> Iterator[list[Image.Image]]:
        size = self.recipe.sampling.batch
        for start in range(0, len(seeds), size):
            yield from sample(model, prompt, seeds[start : start + size], self.recipe.sampling)


def cells(
    parts: Parts,
    seeds: dict[str, list[int]],
    count: int,
    done: set[tuple[Any, ...]],
    names: list[str],
) -> Iterator[Cell]:
    """All cells that are not done yet, those of one training together."""
    for card in parts.domain.cards():
        if names and card.name not in names:
            continue
        pool: list[Image.Image] | None = None
        for r, t in itertools.product(seeds["references"], seeds["training"]):
            missing = [p for p in seeds["samples"] if (card.name, r, t, p) not in done]
            if not missing:
                continue
            pool = pool or parts.pool(card)
            model = parts.trained(card, parts.references(card, pool, r), t)
            for p in missing:
                images = parts.samples(card, model, p, count)
                yield Cell(card.name, r, t, p, **parts.judged(card, images))


def changed(recipe: Recipe, settings: list[str], name: str) -> Recipe:
    """The recipe with settings like ``training.average=0.98``."""
    changes: dict[str, Any] = {"name": name}
    for setting in settings:
        path, value = setting.split("=", 1)
        *above, last = path.split(".")
        part = changes
        for key in above:
            part = part.setdefault(key, {})
        part[last] = yaml.safe_load(value)
    return derived(recipe, changes, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the file of cells in the work folder")
    parser.add_argument("--recipe", default="micro")
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--classes", nargs="*", default=[])
    parser.add_argument("--references", nargs="+", type=int, default=[100, 101, 102])
    parser.add_argument("--training", nargs="+", type=int, default=[100, 101, 102])
    parser.add_argument("--samples", nargs="+", type=int, default=[100, 101, 102])
    parser.add_argument(
        "--same", action="store_true", help="one seed for all three, as a build has"
    )
    parser.add_argument("--count", type=int, default=25, help="pictures a cell")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / f"{options.name}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = [Cell(**json.loads(line)) for line in lines]
    done: set[tuple[Any, ...]] = {
        (c.class_name, c.references, c.training, c.samples) for c in known
    }
    said = json.dumps({"recipe": options.recipe, "set": options.set})
    settings = options.work / f"{options.name}.json"
    if settings.exists() and settings.read_text(encoding="utf-8") != said:
        parser.error(f"{path} has cells of other settings; give another --name")
    settings.write_text(said, encoding="utf-8")
    parts = Parts(changed(load_recipe(options.recipe), options.set, options.name))
    designs = [
        {"references": options.references, "training": options.training, "samples": options.samples}
    ]
    if options.same:
        designs = [{k: [s] for k in designs[0]} for s in options.training]
    with path.open("a", encoding="utf-8") as file:
        for design in designs:
            for cell in cells(parts, design, options.count, done, options.classes):
                file.write(json.dumps(asdict(cell)) + "\n")
                file.flush()
                print(cell, flush=True)


if __name__ == "__main__":
    main()
