"""What a build is asked for, and the networks it shares between classes."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from spurbench.contracts import ClassCard, Classifier, Domain, FeatureClassifier
from spurbench.errors import UserError, unknown
from spurbench_builders.models.base import (
    BaseModel,
    base_model_folder,
    check_base_model,
    folder_fingerprint,
    load_base_model,
)
from spurbench_builders.models.networks import load_network
from spurbench_builders.recipes.model import Network, Recipe
from spurbench_builders.team import Team

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class BuildRequest:
    """What to build. ``own_references`` replaces the domain's pool by a folder of pictures, which
    are trained on as they are unless ``filter_own`` sends them through the panel too, or by a
    data set's `si` splits, which always go through it."""

    recipe: Recipe
    classes: tuple[ClassCard, ...]
    images: int
    seed: int
    out: Path
    own_references: Path | None = None
    filter_own: bool = False
    fresh: bool = False


def work_root(out: Path) -> Path:
    """The work folder beside a data set folder."""
    return out.parent / f"{out.name}.work"


class Models:
    """The networks a build needs, each loaded when first asked for: the base model and the robust
    network on the team's device, the others on the CPU."""

    def __init__(self, recipe: Recipe, domain: Domain, team: Team) -> None:
        self.recipe, self.domain, self.team = recipe, domain, team
        with team.lead_first():  # one process fetches, the others find it in the cache
            self.base_folder = base_model_folder(recipe.base, recipe.base_revision, domain)

    @cached_property
    def panel(self) -> list[Classifier]:
        return [self._load(network) for network in self.recipe.panel]

    @cached_property
    def robust(self) -> FeatureClassifier:
        network = self._load(self.recipe.similarity.robust, self.team.device)
        return cast(FeatureClassifier, network)

    @cached_property
    def referee(self) -> Classifier | None:
        network = self.recipe.audit.referee
        return self._load(network) if network else None

    def base(self) -> BaseModel:
        """A fresh copy: fine-tuning changes it."""
        return load_base_model(self.base_folder).to(self.team.device)

    def _load(self, network: Network, device: torch.device | None = None) -> Classifier:
        import torch

        return load_network(network, device or torch.device("cpu"))

    def check(self, cards: tuple[ClassCard, ...]) -> None:
        """UserError, before any work, where a network or setting cannot play its part."""
        check_settings(self.recipe, self.domain, self.team.size)
        check_base_model(self.base_folder)
        for member in [*self.panel, self.robust]:
            space = member.label_space
            if space.domain != self.recipe.domain:
                raise UserError(
                    f"{member.spec} knows the labels of {space.domain!r}, but recipe "
                    f"{self.recipe.name!r} is of domain {self.recipe.domain!r}"
                )
            missing = [card.name for card in cards if space.column(card.label) is None]
            if missing:
                raise UserError(f"{member.spec}: has no output for {', '.join(missing)}")
        if not hasattr(self.robust, "features"):
            raise UserError(f"{self.robust.spec}: offers no features for the similarity loss")
        for card in cards if self.referee else ():
            if self.referee and card.name not in self.referee.label_space.names:
                raise UserError(f"{self.referee.spec}: cannot tell whether it sees a {card.name}")

    @cached_property
    def identities(self) -> dict[str, str]:
        """Hashes of everything that was trained elsewhere."""
        members = [("panel", m) for m in self.panel] + [("robust", self.robust)]
        members += [("referee", self.referee)] if self.referee else []
        hashes = {
            f"{role} {i} {m.spec}": m.facts.weights_sha256 for i, (role, m) in enumerate(members)
        }
        return {**hashes, "base": folder_fingerprint(self.base_folder)}


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


def package_versions(recipe: Recipe) -> dict[str, str]:
    """Versions that can change a build's bytes."""
    names: tuple[str, ...] = (
        "spurbench",
        "torch",
        "diffusers",
        "transformers",
        "timm",
        "pillow",
        "datasets",
    )
    if recipe.training.lora:
        names += ("peft",)
    return {"python": platform.python_version(), **{n: version(n) for n in names}}
