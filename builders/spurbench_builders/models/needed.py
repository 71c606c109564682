"""The networks that a recipe needs, each loaded when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from spurbench.contracts import Classifier, Domain, FeatureClassifier
from spurbench_builders.recipes.model import Network, Recipe
from spurbench_builders.team import Team

from .base import BaseModel, folder_fingerprint, load_base_model
from .networks import load_network
from .where import base_model_folder

if TYPE_CHECKING:
    import torch


class Models:
    """The networks of a recipe, shared between classes: the base model and the robust network on
    the team's device, the others on the CPU."""

    def __init__(self, recipe: Recipe, domain: Domain, team: Team) -> None:
        self.recipe, self.domain, self.team = recipe, domain, team
        with team.lead_first():  # one process fetches, the others find it in the cache
            self.base_folder = base_model_folder(recipe.base, recipe.base_revision, domain)

    @cached_property
    def panel(self) -> list[Classifier]:
        """The classifiers that select references and judge pictures."""
        return [self._load(network) for network in self.recipe.panel]

    @cached_property
    def robust(self) -> FeatureClassifier:
        """The network of the similarity loss."""
        network = self._load(self.recipe.similarity.robust, self.team.device)
        return cast(FeatureClassifier, network)

    @cached_property
    def referee(self) -> Classifier | None:
        """The network that looks for the object, where the recipe names one."""
        network = self.recipe.audit.referee
        return self._load(network) if network else None

    def base(self) -> BaseModel:
        """A fresh copy: fine-tuning changes it."""
        return load_base_model(self.base_folder).to(self.team.device)

    def _load(self, network: Network, device: torch.device | None = None) -> Classifier:
        import torch

        return load_network(network, device or torch.device("cpu"))

    @cached_property
    def identities(self) -> dict[str, str]:
        """Hashes of everything that was trained elsewhere."""
        members = [("panel", m) for m in self.panel] + [("robust", self.robust)]
        members += [("referee", self.referee)] if self.referee else []
        hashes = {
            f"{role} {i} {m.spec}": m.facts.weights_sha256 for i, (role, m) in enumerate(members)
        }
        return {**hashes, "base": folder_fingerprint(self.base_folder)}
