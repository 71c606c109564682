"""The data sets whose scores are looked at, built with the package as anyone would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import spurbench
from spurbench.contracts import slugify
from spurbench_builders.domains.micro.world.sampling import world
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe

SETS = Path(__file__).with_name("sets.yaml")
MAIN = "main"


@dataclass(frozen=True)
class BuiltSet:
    """A data set by what it differs in from the default (``main`` for nothing) and its seed."""

    name: str
    seed: int
    recipe: Recipe

    def folder(self, work: Path) -> Path:
        """Where it is built."""
        return work / "sets" / f"{slugify(self.name)}-{self.seed}"

    def build(self, work: Path) -> None:
        """Build it, or go on with it."""
        names = [kind.name for kind in world().classes]
        for event in spurbench.build(
            names, recipe=self.recipe, seed=self.seed, out=self.folder(work), jobs=1
        ):
            if event.done == event.total:
                print(self.name, self.seed, event.class_name, event.step, event.note, flush=True)


def built_sets() -> Iterator[BuiltSet]:
    """All of them: main's seeds, then each variant."""
    said = yaml.safe_load(SETS.read_text(encoding="utf-8"))
    main = load_recipe(said[MAIN]["recipe"])
    yield from (BuiltSet(MAIN, seed, main) for seed in said[MAIN]["seeds"])
    for name, variant in said["variants"].items():
        yield BuiltSet(name, said[MAIN]["seeds"][0], _recipe(name, variant))


def _recipe(name: str, variant: dict[str, Any]) -> Recipe:
    recipe = load_recipe(variant["recipe"])
    changes = variant.get("changes")
    return derived(recipe, {"name": slugify(name), **changes}, name) if changes else recipe
