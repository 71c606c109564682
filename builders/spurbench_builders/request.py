"""What a build is asked for, and the networks it shares between classes."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import cast

from spurbench import plugins
from spurbench.contracts import ClassCard, Classifier, Domain, FeatureClassifier
from spurbench.errors import UserError

from .base_model import BaseModel, base_model_folder, folder_fingerprint, load_base_model
from .panel import load_panel
from .recipe import Recipe


@dataclass(frozen=True)
class BuildRequest:
    """What to build. ``own_references`` replaces the domain's pool by a folder of pictures, which
    are trained on as they are unless ``filter_own`` sends them through the panel too."""

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
    """The networks a build needs, each loaded when first asked for."""

    def __init__(self, recipe: Recipe, domain: Domain) -> None:
        self.recipe = recipe
        self.base_folder = base_model_folder(recipe.base, domain)

    @cached_property
    def panel(self) -> list[Classifier]:
        return load_panel(self.recipe.panel)

    @cached_property
    def robust(self) -> FeatureClassifier:
        return cast(FeatureClassifier, plugins.classifier(self.recipe.similarity.robust))

    @cached_property
    def referee(self) -> Classifier | None:
        spec = self.recipe.audit.referee
        return plugins.classifier(spec) if spec else None

    def base(self) -> BaseModel:
        """A fresh copy: fine-tuning changes it."""
        return load_base_model(self.base_folder)

    def check(self, cards: tuple[ClassCard, ...]) -> None:
        """UserError, before any work, where a network cannot play its part for these classes."""
        for member in [*self.panel, self.robust]:
            space = member.label_space
            if space.domain != self.recipe.domain:
                raise UserError(
                    f"{member.spec} knows the labels of {space.domain!r}, but recipe "
                    f"{self.recipe.name!r} is of domain {self.recipe.domain!r}"
                )
            if any(card.label >= len(space.names) for card in cards):
                raise UserError(f"{member.spec}: has too few labels ({len(space.names)})")
        if not hasattr(self.robust, "features"):
            raise UserError(f"{self.robust.spec}: offers no features for the similarity loss")
        for card in cards if self.referee else ():
            if self.referee and card.name not in self.referee.label_space.names:
                raise UserError(f"{self.referee.spec}: cannot tell whether it sees a {card.name}")

    @cached_property
    def identities(self) -> dict[str, str]:
        """Hashes of everything that was trained elsewhere."""
        hashes = {m.spec: m.facts.weights_sha256 for m in self.panel}
        hashes[self.recipe.similarity.robust] = self.robust.facts.weights_sha256
        if self.referee:
            hashes[self.referee.spec] = self.referee.facts.weights_sha256
        return {**hashes, "base": folder_fingerprint(self.base_folder)}


def package_versions() -> dict[str, str]:
    """Versions that can change a build's bytes."""
    names = ("spurbench", "torch", "diffusers", "transformers", "timm", "pillow", "datasets")
    return {"python": platform.python_version(), **{n: version(n) for n in names}}
