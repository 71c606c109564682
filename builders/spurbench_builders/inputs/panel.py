"""The panel: the classifiers that select references and judge consistency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from PIL import Image

from spurbench.contracts import Classifier
from spurbench.dataset.schema import PanelPrediction
from spurbench.prediction import predict


def panel_predictions(
    panel: Sequence[Classifier], images: Sequence[Image.Image], label: int
) -> list[tuple[PanelPrediction, ...]]:
    """For each picture, every member's top-1 label (the domain's; -1 for none of them) and its
    probability of ``label``."""
    columns = [list(_said(member, images, label)) for member in panel]
    return list(zip(*columns, strict=True))


def _said(
    member: Classifier, images: Sequence[Image.Image], label: int
) -> Iterator[PanelPrediction]:
    space = member.label_space
    column = space.column(label)
    for p in predict(member, images):
        probability = 0.0 if column is None else float(p.probabilities[column])
        yield PanelPrediction(member.spec, space.domain_label(p.label), probability)


def fools_all(predictions: Sequence[PanelPrediction], label: int) -> bool:
    """Whether every member calls the picture by the label: consistently spurious."""
    return all(p.label == label for p in predictions)


def panel_summary(
    panel: Sequence[Classifier], predictions: Sequence[Sequence[PanelPrediction]], label: int
) -> str:
    """How many pictures each member and the whole panel take for the label, in words."""
    total = len(predictions)
    parts = [
        f"{member.spec} {sum(p[i].label == label for p in predictions)}/{total}"
        for i, member in enumerate(panel)
    ]
    everyone = sum(fools_all(p, label) for p in predictions)
    return f"{', '.join(parts)}; all {everyone}/{total}"


def as_lists(predictions: Sequence[Sequence[PanelPrediction]]) -> list[list[dict[str, Any]]]:
    """Predictions as JSON has them."""
    return [[asdict(p) for p in row] for row in predictions]


def from_lists(stored: list[list[dict[str, Any]]]) -> list[tuple[PanelPrediction, ...]]:
    """Predictions back from JSON."""
    return [tuple(PanelPrediction(**p) for p in row) for row in stored]
