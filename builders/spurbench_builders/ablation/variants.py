"""The rows of an ablation: recipes derived from one, each with a name and a title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spurbench.errors import UserError
from spurbench_builders.method.losses import READINGS
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe

VANILLA, TEXT_ENCODER, FULL = "vanilla", "text-encoder", "recipe"
NO_SFSL = {"weight": 0, "class_weights": None}


@dataclass(frozen=True)
class Variant:
    """A row: ``name`` in files, ``title`` in tables; ``reading`` and ``kappa`` where the row adds
    SFSL to the text encoder's row."""

    name: str
    title: str
    recipe: Recipe
    reading: str | None = None
    kappa: float | None = None


def table2(base: Recipe, readings: Sequence[str], kappas: Sequence[float]) -> list[Variant]:
    """Table 2 of the paper for a recipe: vanilla DreamBooth, + trainable text encoder, then + SFSL
    in each reading at each kappa, and last the recipe itself.

    A reading may name the pictures that are compared: ``contrast:prior``.
    """

    def variant(name: str, title: str, changes: dict[str, Any], **known: Any) -> Variant:
        changes = {**changes, "name": f"{base.name}-{name}", "summary": title}
        return Variant(name, title, derived(base, changes, f"variant {name}"), **known)

    rows = [
        variant(
            VANILLA,
            "Vanilla DreamBooth",
            {"training": {"text_encoder": "frozen"}, "similarity": NO_SFSL},
        ),
        variant(TEXT_ENCODER, "+ trainable text encoder", {"similarity": NO_SFSL}),
    ]
    for written in readings:
        reading, _, images = written.partition(":")
        if reading not in READINGS:
            raise UserError(f"unknown reading {written!r}; known: {', '.join(READINGS)}")
        for kappa in kappas:
            sfsl = {"reading": reading, "weight": kappa, "class_weights": None}
            rows.append(
                variant(
                    f"{written.replace(':', '-')}-{kappa:g}",
                    f"+ SFSL `{written}`, kappa = {kappa:g}",
                    {"similarity": {**sfsl, **({"images": images} if images else {})}},
                    reading=written,
                    kappa=kappa,
                )
            )
    return [*rows, Variant(FULL, f"recipe `{base.name}`", base)]


def others(names: Sequence[str], base: Recipe) -> list[Variant]:
    """Whole recipes as further rows; UserError where one is of another domain."""
    recipes = [load_recipe(name) for name in names]
    for recipe in recipes:
        if recipe.domain != base.domain:
            raise UserError(f"recipe {recipe.name!r} is not of domain {base.domain!r}")
    return [Variant(r.name, f"recipe `{r.name}`", r) for r in recipes]


def distinct(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """The rows; UserError where two have one name."""
    names = [v.name for v in variants]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UserError(
            f"two rows are both called {', '.join(twice)}; name each kappa and recipe once"
        )
    return tuple(variants)
