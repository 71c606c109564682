"""What a build is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from spurbench import plugins
from spurbench.contracts import ClassCard, Domain
from spurbench.dataset.folders import is_spurious_imagenet
from spurbench.dataset.manifest import NAME as MANIFEST
from spurbench.errors import UserError, unknown
from spurbench.numerals import words
from spurbench.pictures import is_picture_name
from spurbench.reading import is_file, is_folder, members
from spurbench_builders.recipes.model import Recipe


@dataclass(frozen=True)
class BuildRequest:
    """What to build. ``beside`` are further seeds, whose pictures become splits beside the first's.
    ``own_references`` replaces the domain's pool by a folder of pictures, which
    are trained on as they are unless ``filter_own`` sends them through the panel too, or by a
    data set's `si` splits or Spurious ImageNet, which always go through it. ``jobs``: how many
    classes at most are built side by side (None: as the cores allow). ``deterministic``: on a GPU
    too the same bytes every time."""

    recipe: Recipe
    classes: tuple[ClassCard, ...]
    images: int
    seed: int
    out: Path
    own_references: Path | None = None
    filter_own: bool = False
    fresh: bool = False
    jobs: int | None = None
    deterministic: bool = False
    beside: tuple[int, ...] = ()

    @property
    def of_each_seed(self) -> list[BuildRequest]:
        """The request for one seed after another."""
        return [replace(self, seed=seed) for seed in (self.seed, *self.beside)]

    @property
    def asks_panel(self) -> bool:
        """Whether only references that fool the whole panel are trained on."""
        own = self.own_references
        return own is None or self.filter_own or kind_of(own) != "pictures"


def work_root(out: Path) -> Path:
    """The work folder beside a data set folder."""
    return out.parent / f"{out.name}.work"


Kind = Literal["data set", "Spurious ImageNet", "pictures"]


def kind_of(references: Path) -> Kind:
    """What the user's references are: a spurbench data set, as `import-si` makes them, Spurious
    ImageNet as it is handed out, or else plain pictures. UserError where nothing is there."""
    folder, file = is_folder(references), is_file(references)
    if not folder and not file:
        raise UserError(
            f"{references}: no such folder or zip; name your pictures with --references"
        )
    if folder and is_file(references / MANIFEST):
        return "data set"
    if file and not is_spurious_imagenet(references):
        raise UserError(f"{references}: neither a folder nor a zip; name one with --references")
    loose = folder and any(is_picture_name(p.name) for p in members(references))
    return "Spurious ImageNet" if not loose and is_spurious_imagenet(references) else "pictures"


def cards_named(classes: str | Sequence[str], domain: Domain) -> list[ClassCard]:
    """Class cards by name or slug, as a list or separated by commas, each class once; ``all`` for
    every class of the domain. UserError with suggestions for a name that is not known."""
    cards = domain.cards()
    names = words(classes) if isinstance(classes, str) else classes
    wanted = [name.strip().lower() for name in names if name.strip()]
    if wanted == ["all"]:
        return cards
    known = {c.name: c for c in cards} | {c.slug: c for c in cards}
    chosen: dict[str, ClassCard] = {}
    for name in wanted:
        if name not in known:
            raise unknown("class", name, {c.name for c in cards}, _hint(name, domain))
        chosen[known[name].slug] = known[name]
    if not chosen:
        raise UserError("--classes names no class; give names separated by commas, or 'all'")
    return list(chosen.values())


def _hint(name: str, domain: Domain) -> str:
    for other in plugins.find("domains"):
        if other != domain.name and name in {c.name for c in plugins.domain(other).cards()}:
            return (
                f"(a class of domain {other}: choose it with --domain {other}, or a recipe of it)"
            )
    return f"(classes of domain {domain.name}; see `spurbench list classes --domain {domain.name}`)"
