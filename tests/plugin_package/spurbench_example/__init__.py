"""A loader of classifiers as a package of its own: `example/NAME`. Listing imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spurbench.contracts import Classifier, LabelSpace, ModelFacts, Normalisation, Transform
from spurbench.errors import unknown

if TYPE_CHECKING:
    from torch import Tensor

NAMES = ("mean_colour", "normalised_twice", "not_a_number", "short_head")
LABELS = 12


class ExampleEvaluator:
    """Loads the package's classifiers of the micro world's twelve labels."""

    def names(self) -> list[str]:
        return list(NAMES)

    def load(self, name: str, *, weights: Path | None = None) -> Classifier:
        if name not in NAMES:
            raise unknown("example model", name, NAMES)
        return MeanColour(name)


class MeanColour:
    """One linear layer on the mean colour; three of its names are wrong in one way each."""

    def __init__(self, name: str) -> None:
        import torch
        from torch import nn

        torch.manual_seed(0)
        self.name = name
        self.spec = f"example/{name}"
        self.label_space = LabelSpace("micro", "micro", tuple(map(str, range(LABELS))))
        self.transform = Transform("crop", 16, 16)
        self.facts = ModelFacts("mean colour", 4 * LABELS, "0" * 64, "made")
        self.normalisation = Normalisation((0.5,) * 3, (0.25,) * 3)
        head = LABELS - 1 if name == "short_head" else LABELS
        self.network = nn.Sequential(
            nn.Conv2d(3, head, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ).eval()

    def logits(self, images: Tensor) -> Tensor:
        fed = (images - 0.5) / 0.25
        if self.name == "normalised_twice":
            fed = (fed - 0.5) / 0.25
        logits: Tensor = self.network(fed)
        return logits.log().sqrt() if self.name == "not_a_number" else logits
