"""Framings by name: which transform the pictures of each split go through."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spurbench.contracts import Classifier, Transform
from spurbench.errors import unknown

FRAMINGS = {"model": None, "si": "shortest", "squash": "squash"}
# Spurious ImageNet's evaluation shows validation pictures at torchvision's customary framing.
VALIDATION_RESIZE = 256 / 224


@dataclass(frozen=True)
class Framing:
    """The transform of validation pictures, and that of all others, under the name of the framing."""

    name: str
    pictures: Transform
    validation: Transform

    def of(self, kind: str) -> Transform:
        """The transform of pictures of a split of that kind."""
        return self.validation if kind == "val" else self.pictures


def framing_of(own: Transform, name: str) -> Framing:
    """The framing called ``model`` (the classifier's own), ``si`` (shorter edge, bicubic, no crop;
    validation pictures 256/224 larger, then the centre) or ``squash`` (the whole picture)."""
    if name not in FRAMINGS:
        raise unknown("framing", name, FRAMINGS)
    kind = FRAMINGS[name]
    if kind is None:
        return Framing(name, own, own)
    size = own.size
    whole = replace(own, framing=kind, resize=size, interpolation="bicubic")
    if kind == "squash":
        return Framing(name, whole, whole)
    centre = replace(whole, framing="crop", resize=int(VALIDATION_RESIZE * size))
    return Framing(name, whole, centre)


def reframe(classifier: Classifier, name: str) -> None:
    """Replace the classifier's own transform by that of a framing, for all pictures alike."""
    classifier.transform = framing_of(classifier.transform, name).pictures
