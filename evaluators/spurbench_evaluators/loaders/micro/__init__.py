"""`micro/NAME`: the classifiers of the embedded micro world, which ship with the package."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.contracts import LabelSpace, ModelCard, ModelFacts, Normalisation, Transform
from spurbench.errors import unknown

if TYPE_CHECKING:
    from spurbench_evaluators.network.classifier import NetworkClassifier


def weights_folder() -> Path:
    """Where the shipped networks lie, one folder each."""
    with resources.as_file(resources.files(__package__) / "weights") as folder:
        return folder


class MicroEvaluator:
    """Loads a shipped network by name."""

    def names(self) -> list[str]:
        """The panel and the referee."""
        return sorted(p.parent.name for p in weights_folder().glob("*/config.json"))

    def card(self, name: str) -> ModelCard:
        """What the shipped configuration says of a network; needs no weights."""
        config = self._config(name)
        return ModelCard(
            f"micro/{name}",
            LabelSpace(config["label_space"], config["label_space"], tuple(config["labels"])),
            Transform("crop", config["size"], config["size"]),
            Normalisation((config["mean"],) * 3, (config["std"],) * 3),
        )

    def load(self, name: str, *, weights: Path | None = None) -> NetworkClassifier:
        """The network; ``weights`` replaces the shipped ones by a file for the same architecture."""
        from spurbench_evaluators.network.classifier import NetworkClassifier, count_parameters
        from spurbench_evaluators.network.weights import load_strictly

        from .networks import build_network

        card, config = self.card(name), self._config(name)
        network = build_network(config["family"], len(card.label_space.names), config["options"])
        digest = load_strictly(network, weights or weights_folder() / name / "model.safetensors")
        return NetworkClassifier(
            card.spec,
            network,
            card.label_space,
            card.transform,
            ModelFacts(
                f"timm {config['family']}",
                count_parameters(network),
                digest,
                weights.name if weights else "shipped",
            ),
            [config["mean"]] * 3,
            [config["std"]] * 3,
            shared=True,
        )

    def _config(self, name: str) -> dict[str, Any]:
        if name not in self.names():
            raise unknown("micro model", name, self.names())
        text = (weights_folder() / name / "config.json").read_text(encoding="utf-8")
        config: dict[str, Any] = json.loads(text)
        return config


__all__ = ["MicroEvaluator", "weights_folder"]
