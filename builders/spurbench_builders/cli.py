"""`spurbench build`, `merge` and `import-si`: thin functions over api.py, run/shards.py and
inputs/importing.py."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .api import Build


def build(
    classes: Annotated[str, typer.Option(help="Class names, separated by commas, or 'all'.")],
    recipe: Annotated[
        str, typer.Option(help="Name of a recipe, path of a .yaml, or 'auto'.")
    ] = "auto",
    images: Annotated[
        int, typer.Option(min=1, max=100_000, help="Pictures to generate for each class.")
    ] = 75,
    seed: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Decides references, training, samples.")
    ] = 0,
    out: Annotated[Path, typer.Option(help="Data set folder to make or add to.")] = Path(
        "spurbench"
    ),
    references: Annotated[
        Path | None,
        typer.Option(
            help="Your own reference pictures: a folder, one subfolder a class, or a data set."
        ),
    ] = None,
    filter_references: Annotated[
        bool, typer.Option(help="Train only on your pictures that fool the whole panel.")
    ] = False,
    shard: Annotated[
        str, typer.Option(help="I/N: every N-th class from the I-th, in a folder of its own.")
    ] = "1/1",
    fresh: Annotated[bool, typer.Option(help="Forget finished steps and start over.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Make per-class splits of generated spurious pictures, as a Hugging Face data set."""
    from . import api
    from .progress import follow
    from .team import team

    wanted = api.build(
        classes,
        recipe=recipe,
        images=images,
        seed=seed,
        out=out,
        references=references,
        filter_references=filter_references,
        shard=shard,
        fresh=fresh,
    )
    leads = team().leads
    if not json_output and leads:
        typer.echo(f"recipe {wanted.request.recipe.name} ({wanted.why}); work in {wanted.work}")
    if not wanted.request.classes:
        typer.echo(f"shard {shard} has no class to build", err=True)
        return
    try:
        follow(wanted, quiet=json_output or not leads)
    except KeyboardInterrupt:
        typer.echo("spurbench: stopped; the same command goes on from here", err=True)
        raise
    if leads:
        _show(wanted, json_output=json_output)


def _show(done: Build, *, json_output: bool) -> None:
    from spurbench.dataset.manifest import read_manifest

    manifest = read_manifest(done.out)
    if json_output:
        slugs = [card.slug for card in done.request.classes]
        values = {"out": str(done.out), "version": manifest.version, "classes": slugs}
        typer.echo(json.dumps(values))
        return
    typer.echo(f"data set {done.out}, version {manifest.version}: {', '.join(manifest.classes)}")
    typer.echo(
        f"look at {done.out}/contact; score a classifier with: "
        f"spurbench eval --model {done.request.recipe.panel[-1].spec} --data {done.out}"
    )


def merge(
    shards: Annotated[
        list[Path], typer.Argument(help="Data set folders of one domain, such as the shards.")
    ],
    out: Annotated[Path, typer.Option(help="Data set folder to make or add to.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace classes that --out has with other pictures.")
    ] = False,
) -> None:
    """Put the classes of several data set folders into one."""
    from .run.shards import merge_data_sets

    manifest = merge_data_sets(shards, out, replace=replace)
    typer.echo(f"data set {out}, version {manifest.version}: {', '.join(manifest.classes)}")


def import_si(
    path: Annotated[
        Path, typer.Argument(help="Spurious ImageNet folder or zip, or one with a manifest.csv.")
    ],
    out: Annotated[Path, typer.Option(help="Data set folder to make.")],
) -> None:
    """Turn Spurious ImageNet pictures into the same data set format."""
    from .inputs.importing import import_folder
    from .progress import follow

    with closing(import_folder(path, out)) as events:  # an interruption leaves nothing aside
        follow(events, quiet=False)
    typer.echo(
        f"data set {out} is ready; score a classifier with: "
        f"spurbench eval --model timm/NAME --data {out}"
    )
