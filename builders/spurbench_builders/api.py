"""Building from Python, with the command line's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench import plugins
from spurbench.errors import UserError

from .inputs.request import BuildRequest, cards_named, work_root
from .recipes.files import load_recipe
from .recipes.model import Recipe

if TYPE_CHECKING:
    from spurbench.dataset.read import DataSet

    from .progress import Progress

MOST_IMAGES = 100_000
MOST_SEED = 1_000_000


@dataclass(frozen=True)
class Build:
    """A build that is ready to run: iterate over it for its progress, or ``run`` it to the end.

    Either may be done again, and after an interruption: finished steps are not repeated. ``why``
    says how the recipe was chosen.
    """

    request: BuildRequest
    why: str

    def __iter__(self) -> Iterator[Progress]:
        """Do the work, yielding what is done: `class_name`, `step`, `done` of `total`, `note`.

        Raises UserError where something that was asked for cannot be built.
        """
        from .run.build import build as run_build

        if self.request.classes:  # a shard beyond the last class has none
            yield from run_build(self.request)

    def run(self) -> DataSet:
        """Do the work to the end, and open the data set. Raises UserError as iterating does."""
        from spurbench.dataset.read import open_data_set

        for _ in self:
            pass
        return open_data_set(self.out)

    @property
    def out(self) -> Path:
        """The data set folder."""
        return self.request.out

    @property
    def work(self) -> Path:
        """The work folder, beside the data set folder."""
        return work_root(self.out)


def build(
    classes: str | Sequence[str],
    *,
    recipe: str | Path | Recipe = "auto",
    images: int = 75,
    seed: int = 0,
    out: str | Path = "spurbench",
    references: str | Path | None = None,
    filter_references: bool = False,
    shard: str = "1/1",
    fresh: bool = False,
) -> Build:
    """Make per-class splits of generated spurious pictures, as `spurbench build` does.

    Args:
        classes: names or slugs, as a list or separated by commas; ``all`` for every class.
        recipe: a recipe's name, the path of a YAML file, a Recipe, or ``auto``.
        images: pictures to generate for each class, 1 to 100,000.
        seed: decides references, training and samples; 0 to 1,000,000.
        out: data set folder to make or add to.
        references: your own reference pictures: a folder, one subfolder a class, or a data set.
        filter_references: train only on your pictures that fool the whole panel.
        shard: ``I/N`` for every N-th class from the I-th, in a folder of its own.
        fresh: forget finished steps and start over.

    Returns:
        The build, not yet run. A wrong argument raises UserError here already.
    """
    from .run.shards import parse_shard, shard_folder

    _check_range("images", images, 1, MOST_IMAGES)
    _check_range("seed", seed, 0, MOST_SEED)
    settings, why = _recipe(recipe)
    part = parse_shard(shard)
    cards = part.of(cards_named(classes, plugins.domain(settings.domain)))
    own = None if references is None else Path(references)
    request = BuildRequest(
        settings,
        tuple(cards),
        images,
        seed,
        shard_folder(Path(out), part),
        own,
        filter_references,
        fresh,
    )
    return Build(request, why)


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UserError(f"{name} {value}: give a number from {least} to {most}")


def _recipe(wanted: str | Path | Recipe) -> tuple[Recipe, str]:
    """The recipe, and how it was chosen."""
    if isinstance(wanted, Recipe):
        return wanted, "as given"
    if str(wanted) != "auto":
        return load_recipe(str(wanted)), "as asked"
    import torch

    if torch.cuda.is_available():
        name, why = "sd15", "auto: there is a CUDA device; choose another with --recipe"
    else:
        name, why = "micro", "auto: no CUDA device here; choose another with --recipe"
    return load_recipe(name), why


class DreamboothBuilder:
    """The paper's method, found under ``spurbench.builders``."""

    def describe(self) -> list[str]:
        """A line a recipe, and what it changes of the one that it extends."""
        from .recipes.files import differences, recipe_names

        lines = []
        for name in recipe_names():
            lines.append(f"{name:24} {load_recipe(name).summary}")
            parent, changes = differences(name)
            if parent:
                lines.append(f"{'':24}   {parent}, but {'; '.join(changes)}")
        return lines
