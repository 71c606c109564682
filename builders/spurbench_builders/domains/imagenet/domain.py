"""Class cards of Spurious ImageNet (Neuhaus et al., 2023): 100 ImageNet-1k classes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from spurbench.contracts import ClassCard, DomainPicture
from spurbench.errors import UserError


class ImagenetDomain:
    """ImageNet-1k's label space; its pictures are the user's (`spurbench import-si`)."""

    name = "imagenet"

    def cards(self) -> list[ClassCard]:
        """The classes with their ImageNet-1k index and the feature as Spurious ImageNet names it."""
        source = resources.files(__package__) / "classes.csv"
        rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
        return [
            ClassCard(
                row["class_name"],
                int(row["in1k_index"]),
                row["prompt_noun"],
                row["spurious_feature"],
            )
            for row in rows
        ]

    def references(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        """None ships: the pictures are photographs under their own licences."""
        raise UserError(
            f"{card.name}: domain imagenet ships no pictures; give yours with --references DIR "
            "(Spurious ImageNet: the data set that `spurbench import-si` makes)"
        )

    def validation(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        """None ships."""
        return iter(())

    def base_model(self, name: str) -> Path | None:
        """None ships."""
        return None
