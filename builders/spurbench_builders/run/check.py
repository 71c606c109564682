"""What can be known to be wrong before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from spurbench.contracts import ClassCard, Domain
from spurbench.errors import UserError, unknown
from spurbench_builders.method.schedule import schedule_of
from spurbench_builders.models.base import check_base_model
from spurbench_builders.models.needed import Models
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team


def check(models: Models, cards: Sequence[ClassCard], team: Team) -> None:
    """UserError where a network or setting of the recipe cannot play its part for the classes."""
    check_settings(models.recipe, models.domain, team.size)
    schedule_of(check_base_model(models.base_folder))
    _check_panel(models, cards)
    if not hasattr(models.robust, "features"):
        raise UserError(f"{models.robust.spec}: offers no features for the similarity loss")
    referee = models.referee
    for card in cards if referee else ():
        if referee and card.name not in referee.label_space.names:
            raise UserError(f"{referee.spec}: cannot tell whether it sees a {card.name}")


def _check_panel(models: Models, cards: Sequence[ClassCard]) -> None:
    """Every member of the panel and the robust network has an output for every class."""
    recipe = models.recipe
    for member in [*models.panel, models.robust]:
        space = member.label_space
        if space.domain != recipe.domain:
            raise UserError(
                f"{member.spec} knows the labels of {space.domain!r}, but recipe "
                f"{recipe.name!r} is of domain {recipe.domain!r}"
            )
        missing = [card.name for card in cards if space.column(card.label) is None]
        if missing:
            raise UserError(f"{member.spec}: has no output for {', '.join(missing)}")


def check_settings(recipe: Recipe, domain: Domain, processes: int) -> None:
    """UserError where the recipe's settings do not fit its domain, this machine or its processes."""
    if recipe.training.batch % processes:
        raise UserError(
            f"recipe {recipe.name!r}: training.batch {recipe.training.batch} cannot be shared out "
            f"equally over {processes} processes; make it a multiple of them"
        )
    known = {card.name for card in domain.cards()}
    for name in recipe.similarity.class_weights:
        if name not in known:
            raise unknown(f"class in {recipe.name}'s similarity.class_weights", name, known)
    if recipe.training.lora and not find_spec("peft"):
        raise UserError("low-rank adapters need the package peft: pip install 'spurbench[lora]'")
