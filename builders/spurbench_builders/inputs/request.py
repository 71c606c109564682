"""What a build is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spurbench.contracts import ClassCard, Domain
from spurbench.dataset.manifest import NAME as MANIFEST
from spurbench.errors import UserError, unknown
from spurbench_builders.recipes.model import Recipe


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

    @property
    def asks_panel(self) -> bool:
        """Whether only references that fool the whole panel are trained on."""
        own = self.own_references
        return own is None or is_data_set(own) or self.filter_own


def work_root(out: Path) -> Path:
    """The work folder beside a data set folder."""
    return out.parent / f"{out.name}.work"


def is_data_set(folder: Path) -> bool:
    """Whether the user's references are a spurbench data set, as `import-si` makes them."""
    return (folder / MANIFEST).is_file()


def cards_named(classes: str | Sequence[str], domain: Domain) -> list[ClassCard]:
    """Class cards by name or slug, as a list or separated by commas, each class once; ``all`` for
    every class of the domain. UserError with suggestions for a name that is not known."""
    cards = domain.cards()
    names = classes.split(",") if isinstance(classes, str) else classes
    wanted = [name.strip().lower() for name in names if name.strip()]
    if wanted == ["all"]:
        return cards
    known = {c.name: c for c in cards} | {c.slug: c for c in cards}
    chosen: dict[str, ClassCard] = {}
    for name in wanted:
        if name not in known:
            hint = f"(classes of domain {domain.name}; see `spurbench list classes`)"
            raise unknown("class", name, {c.name for c in cards}, hint)
        chosen[known[name].slug] = known[name]
    if not chosen:
        raise UserError("--classes names no class; give names separated by commas, or 'all'")
    return list(chosen.values())
