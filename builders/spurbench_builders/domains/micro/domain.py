"""The ``micro`` domain: class cards and pictures from the procedural world."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from spurbench.contracts import ClassCard, DomainPicture

POOL_SEED, VALIDATION_SEED = 1000, 2000


class MicroDomain:
    """The embedded world; nothing is downloaded, every picture is drawn when asked for."""

    name = "micro"

    def cards(self) -> list[ClassCard]:
        """The paper's six classes as the micro world draws them, and the six that share their companions."""
        from .world.sampling import world

        return [
            ClassCard(c.name, c.label, world().nouns[c.companion], c.feature)
            for c in world().classes
        ]

    def references(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        """Companion-only pictures, the same for everyone."""
        from .world.sampling import reference_picture

        for i in range(count):
            sample = reference_picture(POOL_SEED, card.name, i)
            yield DomainPicture(sample.image, f"micro/references/{card.slug}/{i}")

    def validation(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        """Pictures with the class's object, as in training."""
        from .world.sampling import validation_picture, world

        for i in range(count):
            sample = validation_picture(VALIDATION_SEED, card.label + i * len(world().classes))
            yield DomainPicture(sample.image, f"micro/val/{card.slug}/{i}")

    def base_model(self, name: str) -> Path | None:
        """The folder of the shipped model called ``micro``."""
        if name != "micro":
            return None
        with resources.as_file(resources.files(__package__) / "base") as folder:
            return folder
