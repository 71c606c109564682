"""`micro/NAME`: the classifiers of the embedded micro world, which ship with the package."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench.errors import unknown

if TYPE_CHECKING:
    from spurbench_evaluators.network import NetworkClassifier


def weights_folder() -> Path:
    """Where the shipped networks lie, one folder each."""
    with resources.as_file(resources.files(__package__) / "weights") as folder:
        return folder


class MicroEvaluator:
    """Loads a shipped network by name."""

    def names(self) -> list[str]:
        """The panel and the referee."""
        return sorted(p.parent.name for p in weights_folder().glob("*/config.json"))

    def load(self, name: str, *, weights: Path | None = None) -> NetworkClassifier:
        """The network; ``weights`` replaces the shipped ones by a file for the same architecture."""
        from spurbench.contracts import LabelSpace, ModelFacts, Transform
        from spurbench_evaluators.network import NetworkClassifier, count_parameters
        from spurbench_evaluators.weights import load_strictly

        from .networks import build_network

        if name not in self.names():
            raise unknown("micro model", name, self.names())
        folder = weights_folder() / name
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        labels = tuple(config["labels"])
        network = build_network(config["family"], len(labels), config["options"])
        digest = load_strictly(network, weights or folder / "model.safetensors")
        return NetworkClassifier(
            f"micro/{name}",
            network,
            LabelSpace(config["label_space"], config["label_space"], labels),
            Transform("crop", config["size"], config["size"]),
            ModelFacts(
                f"timm {config['family']}",
                count_parameters(network),
                digest,
                weights.name if weights else "shipped",
            ),
            [config["mean"]] * 3,
            [config["std"]] * 3,
        )


__all__ = ["MicroEvaluator", "weights_folder"]
