"""Building from Python, with the command line's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench import plugins
from spurbench.dataset.manifest import read_manifest
from spurbench.errors import UserError, unknown
from spurbench.numerals import whole

from .inputs.request import BuildRequest, cards_named, kind_of, work_root
from .limits import MOST_IMAGES, MOST_JOBS, MOST_SEED, MOST_SEEDS
from .recipes.files import load_recipe
from .recipes.model import Recipe

if TYPE_CHECKING:
    from spurbench.dataset.read import DataSet

    from .progress import Progress

AUTO = {"micro": "micro", "imagenet": "sd15"}


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

        What was asked for is checked at once, before anything is fetched or trained. Raises UserError
        where it cannot be built.
        """
        from .run.build import build as run_build

        if not self.request.classes:  # a shard beyond the last class has none
            return iter(())
        return run_build(self.request)

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
    seed: int | Sequence[int] = 0,
    out: str | Path = "spurbench",
    references: str | Path | None = None,
    filter_references: bool = False,
    domain: str | None = None,
    shard: str = "1/1",
    jobs: int | None = None,
    deterministic: bool = False,
    fresh: bool = False,
) -> Build:
    """Make per-class splits of generated spurious pictures, as `spurbench build` does.

    Args:
        classes: names or slugs, as a list or separated by commas; ``all`` for every class.
        recipe: a recipe's name, the path of a YAML file, a Recipe, or ``auto``.
        images: pictures to generate for each class, 1 to 100,000.
        seed: decides references, training and samples; 0 to 1,000,000. Of several, the first gives the
            split ``generated`` and each further one, N, ``generated_seedN`` beside it.
        out: data set folder to make or add to.
        references: your own reference pictures: a folder, one subfolder a class; a data set; or
            Spurious ImageNet's folder or zip.
        filter_references: train only on your pictures that fool the whole panel.
        domain: ``micro`` or ``imagenet``: what ``auto`` chooses a recipe for.
        shard: ``I/N`` for every N-th class from the I-th, in a folder of its own.
        jobs: classes built side by side, each in a process of its own; None: as the cores allow.
        deterministic: on a GPU, only arithmetic that gives the same bytes again.
        fresh: forget finished steps and start over.

    Returns:
        The build, not yet run. A wrong argument raises UserError here already.
    """
    from .run.shards import parse_shard, shard_folder

    whole(images, "images", 1, MOST_IMAGES)
    seeds = _seeds(seed)
    if jobs is not None:
        whole(jobs, "jobs", 1, MOST_JOBS)
    own = None if references is None else Path(references)
    settings, why = _recipe(recipe, own, domain)
    part = parse_shard(shard)
    cards = part.of(cards_named(classes, plugins.domain(settings.domain)))
    request = BuildRequest(
        settings,
        tuple(cards),
        images,
        seeds[0],
        shard_folder(Path(out), part),
        own,
        filter_references,
        fresh,
        jobs,
        deterministic,
        seeds[1:],
    )
    return Build(request, why)


def _seeds(wanted: int | Sequence[int]) -> tuple[int, ...]:
    """The seeds, each once, in the order given."""
    given = [wanted] if isinstance(wanted, int | str) else wanted
    if not 0 < len(given) <= MOST_SEEDS:
        raise UserError(f"seed: {len(given)} given; give one, or up to {MOST_SEEDS:,}")
    return tuple(dict.fromkeys(whole(seed, "seed", 0, MOST_SEED) for seed in given))


def _recipe(
    wanted: str | Path | Recipe, references: Path | None, domain: str | None
) -> tuple[Recipe, str]:
    """The recipe, and how it was chosen."""
    if domain is not None and domain not in plugins.find("domains"):
        raise unknown("domain", domain, plugins.find("domains"))
    if isinstance(wanted, Recipe) or str(wanted) != "auto":
        recipe = wanted if isinstance(wanted, Recipe) else load_recipe(str(wanted))
        if domain not in (None, recipe.domain):
            raise UserError(
                f"recipe {recipe.name!r} is of domain {recipe.domain!r}, not {domain!r}; leave "
                "--domain out, or name another recipe"
            )
        return recipe, "as given" if recipe is wanted else "as asked"
    chosen, why = _auto(references, domain)
    if chosen not in AUTO:
        raise UserError(f"no recipe is known for domain {chosen!r}; name one with --recipe")
    return load_recipe(AUTO[chosen]), f"auto: {why}; choose another with --recipe"


def _auto(references: Path | None, domain: str | None) -> tuple[str, str]:
    """The domain that is meant, and why. Whether there is a GPU plays no part: the same command
    makes the same everywhere."""
    if domain is not None:
        return domain, f"the domain is {domain}"
    if references is None:
        return "micro", "no real pictures are asked for, with --references or --domain imagenet"
    if kind_of(references) == "data set":
        found = read_manifest(references).domain
        return found, f"{references} is a data set of domain {found}"
    return "imagenet", f"the pictures of {references} are not of the micro world"


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
