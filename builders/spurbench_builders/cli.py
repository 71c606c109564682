"""`spurbench build`, `merge` and `import-si`: thin functions over api.py, run/shards.py and
inputs/importing.py."""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spurbench.numerals import whole, whole_option, words
from spurbench.printing import out as say
from spurbench.printing import print_json, tell
from spurbench.terminal import announce

from .limits import MOST_IMAGES, MOST_JOBS, MOST_SEED

if TYPE_CHECKING:
    from .api import Build


REFERENCES, WORK = "References", "How the work is done"


def build(
    classes: Annotated[
        str, typer.Option(metavar="NAMES", help="Class names, separated by commas, or 'all'.")
    ],
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Name of a recipe, path of a .yaml, or 'auto': micro, but sd15 for real pictures.",
        ),
    ] = "auto",
    domain: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="micro or imagenet: what 'auto' is to choose for."),
    ] = None,
    images: Annotated[
        int, whole_option("--images", 1, MOST_IMAGES, "Pictures to generate for each class.")
    ] = 75,
    seed: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Decides references, training, samples; several, as 0,1,2, lie side by side.",
        ),
    ] = "0",
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Data set folder to make or add to.")
    ] = Path("spurbench"),
    references: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Your own references: a folder of pictures, or of one subfolder a class; a data "
            "set; Spurious ImageNet's folder or zip.",
            rich_help_panel=REFERENCES,
        ),
    ] = None,
    filter_references: Annotated[
        bool,
        typer.Option(
            "--filter-references",
            help="Train only on your references that fool the whole panel.",
            rich_help_panel=REFERENCES,
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        whole_option(
            "--jobs",
            1,
            MOST_JOBS,
            "Classes built side by side on a CPU; else as many as the cores allow.",
            WORK,
        ),
    ] = None,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N",
            help="Every N-th class from the I-th, in a folder of its own.",
            rich_help_panel=WORK,
        ),
    ] = "1/1",
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic",
            help="On a GPU, only arithmetic that gives the same bytes again.",
            rich_help_panel=WORK,
        ),
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Forget finished steps and start over.", rich_help_panel=WORK),
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Make per-class splits of generated spurious pictures, as a Hugging Face data set.

    A build that was stopped or killed goes on when the same command is run again.

    \b
    Examples:
      spurbench build --classes hummingbird,koala
      spurbench build --classes koala --references si --out real
    """
    from . import api
    from .progress import follow
    from .team import team

    wanted = api.build(
        classes,
        recipe=recipe,
        images=images,
        seed=[whole(word, "--seed", 0, MOST_SEED) for word in words(seed)],
        out=out,
        references=references,
        filter_references=filter_references,
        domain=domain,
        shard=shard,
        jobs=jobs,
        deterministic=deterministic,
        fresh=fresh,
    )
    if not wanted.request.classes:
        tell(f"shard {shard} has no class to build")
        return
    events = iter(wanted)  # which checks what is asked for
    leads = team(wanted.request.recipe.device).leads
    if not json_output and leads:
        say(f"recipe {wanted.request.recipe.name} ({wanted.why}); work in {wanted.work}")
        announce("build", "torch", "diffusers")
    follow(events, quiet=json_output or not leads)
    if leads:
        _show(wanted, json_output=json_output)


def _show(done: Build, *, json_output: bool) -> None:
    from spurbench.dataset.manifest import read_manifest

    manifest = read_manifest(done.out)
    if json_output:
        slugs = [card.slug for card in done.request.classes]
        values = {"out": str(done.out), "version": manifest.version, "classes": slugs}
        print_json(values)
        return
    say(f"data set {done.out}, version {manifest.version}: {', '.join(manifest.classes)}")
    say(
        f"look at {done.out}/contact; score a classifier with: "
        f"spurbench eval --model {done.request.recipe.panel[-1].spec} --data {done.out}"
    )


def merge(
    shards: Annotated[
        list[Path], typer.Argument(help="Data set folders of one domain, such as the shards.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Data set folder to make or add to.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace classes that --out has with other pictures.")
    ] = False,
) -> None:
    """Put the classes of several data set folders into one.

    \b
    Example:
      spurbench merge out/spurbench.shard-*-of-25 --out spurbench
    """
    from .run.shards import merge_data_sets

    manifest = merge_data_sets(shards, out, replace=replace)
    say(f"data set {out}, version {manifest.version}: {', '.join(manifest.classes)}")


def import_si(
    path: Annotated[
        Path, typer.Argument(help="Spurious ImageNet folder or zip, or one with a manifest.csv.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Data set folder to make.")],
) -> None:
    """Turn Spurious ImageNet into a data set of references.

    \b
    Example:
      spurbench import-si spurious_imagenet.zip --out si
    """
    from .inputs.importing import import_folder
    from .progress import follow

    with closing(import_folder(path, out)) as events:  # an interruption leaves nothing aside
        first = next(events)  # which comes when the source has been looked through
        announce("import-si", "datasets")
        follow(chain([first], events), quiet=False)
    say(
        f"data set {out} is ready; score a classifier with: "
        f"spurbench eval --model timm/NAME --data {out}"
    )
