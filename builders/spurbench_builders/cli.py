"""`spurbench build` and `spurbench import-si`: thin functions over build.py and importing.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spurbench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spurbench.contracts import ClassCard, Domain
    from spurbench_builders.steps.finished import Progress


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
    from spurbench import plugins
    from spurbench.dataset.manifest import read_manifest
    from spurbench_builders.recipes.files import load_recipe
    from spurbench_builders.run.build import build as run_build
    from spurbench_builders.run.request import BuildRequest, work_root
    from spurbench_builders.run.shards import parse_shard, shard_folder

    from .team import team

    chosen, why = _auto_recipe() if recipe == "auto" else (recipe, "as asked")
    settings = load_recipe(chosen)
    part = parse_shard(shard)
    cards = part.of(parse_classes(classes, plugins.domain(settings.domain)))
    out = shard_folder(out, part)
    leads = team().leads
    if not json_output and leads:
        typer.echo(f"recipe {settings.name} ({why}); work in {work_root(out)}")
    if not cards:
        typer.echo(f"shard {shard} has no class to build", err=True)
        return
    request = BuildRequest(
        settings, tuple(cards), images, seed, out, references, filter_references, fresh
    )
    try:
        follow(run_build(request), quiet=json_output or not leads)
    except KeyboardInterrupt:
        typer.echo("spurbench: stopped; the same command goes on from here", err=True)
        raise
    if not leads:
        return
    manifest = read_manifest(out)
    if json_output:
        found = {"out": str(out), "version": manifest.version, "classes": [c.slug for c in cards]}
        typer.echo(json.dumps(found))
    else:
        typer.echo(f"data set {out}, version {manifest.version}: {', '.join(manifest.classes)}")
        typer.echo(
            f"look at {out}/contact; score a classifier with: "
            f"spurbench eval --model {settings.panel[-1].spec} --data {out}"
        )


def merge(
    shards: Annotated[
        list[Path], typer.Argument(help="Data set folders of one domain, such as the shards.")
    ],
    out: Annotated[Path, typer.Option(help="Data set folder to make or add to.")],
) -> None:
    """Put the classes of several data set folders into one."""
    from spurbench_builders.run.shards import merge_data_sets

    manifest = merge_data_sets(shards, out)
    typer.echo(f"data set {out}, version {manifest.version}: {', '.join(manifest.classes)}")


def import_si(
    path: Annotated[
        Path, typer.Argument(help="Spurious ImageNet folder or zip, or one with a manifest.csv.")
    ],
    out: Annotated[Path, typer.Option(help="Data set folder to make.")],
) -> None:
    """Turn Spurious ImageNet pictures into the same data set format."""
    from spurbench_builders.inputs.importing import import_folder

    follow(import_folder(path, out), quiet=False)
    typer.echo(
        f"data set {out} is ready; score a classifier with: "
        f"spurbench eval --model timm/NAME --data {out}"
    )


def parse_classes(text: str, domain: Domain) -> list[ClassCard]:
    """Class cards named by a comma list; names and slugs both work, each class once."""
    cards = domain.cards()
    if text.strip() == "all":
        return cards
    known = {c.name: c for c in cards} | {c.slug: c for c in cards}
    chosen: dict[str, ClassCard] = {}
    for name in (part.strip().lower() for part in text.split(",")):
        if not name:
            continue
        if name not in known:
            hint = f"(classes of domain {domain.name}; see `spurbench list classes`)"
            raise unknown("class", name, {c.name for c in cards}, hint)
        chosen[known[name].slug] = known[name]
    if not chosen:
        raise UserError("--classes names no class; give names separated by commas, or 'all'")
    return list(chosen.values())


def _auto_recipe() -> tuple[str, str]:
    import torch

    if torch.cuda.is_available():
        return "sd15", "auto: there is a CUDA device; choose another with --recipe"
    return "micro", "auto: no CUDA device here; choose another with --recipe"


def follow(events: Iterator[Progress], *, quiet: bool) -> None:
    """Draw progress: a bar a step, and a line when it ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as bars:
        task = bars.add_task("", note="", total=None)
        for event in events:
            title = f"{event.class_name}: {event.step}"
            bars.update(
                task, description=title, completed=event.done, total=event.total, note=event.note
            )
            if event.done == event.total:
                console.print(
                    f"{title:28} {event.done:>4}  {event.note}",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )


class DreamboothBuilder:
    """The paper's method, found under ``spurbench.builders``."""

    def describe(self) -> list[str]:
        """A line a recipe, and what it changes of the one that it extends."""
        from spurbench_builders.recipes.files import differences, load_recipe, recipe_names

        lines = []
        for name in recipe_names():
            lines.append(f"{name:24} {load_recipe(name).summary}")
            parent, changes = differences(name)
            if parent:
                lines.append(f"{'':24}   {parent}, but {'; '.join(changes)}")
        return lines
