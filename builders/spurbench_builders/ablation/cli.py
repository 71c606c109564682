"""`spurbench ablate`: a thin function over run.py, analysis.py and report.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from spurbench.errors import UserError
from spurbench.numerals import number, whole, whole_option, words
from spurbench.printing import out as say
from spurbench.printing import print_json, tell
from spurbench.terminal import announce
from spurbench_builders.limits import MOST_IMAGES, MOST_SEED, MOST_SEEDS

ROWS = "Rows of the table"
MOST_KAPPA = 1e6


def ablate(
    classes: Annotated[
        str, typer.Option(metavar="NAMES", help="Class names, separated by commas, or 'all'.")
    ] = "all",
    seeds: Annotated[
        str, typer.Option(metavar="N", help="How many seeds, or the seeds: 5, or 3,4,7.")
    ] = "5",
    images: Annotated[
        int,
        whole_option("--images", 1, MOST_IMAGES, "Pictures for each row, class and seed."),
    ] = 75,
    contexts: Annotated[
        int,
        whole_option(
            "--contexts", 0, MOST_IMAGES, "Pictures for each recontextualised prompt; 0: none."
        ),
    ] = 16,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the work and what comes of it.")
    ] = Path("ablation"),
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Recipe whose parts are taken away.", rich_help_panel=ROWS
        ),
    ] = "micro",
    readings: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Readings of SFSL; contrast:prior compares the prior pictures.",
            rich_help_panel=ROWS,
        ),
    ] = "attract,contrast",
    kappas: Annotated[
        str,
        typer.Option(metavar="NUMBERS", help="Weights of SFSL to try.", rich_help_panel=ROWS),
    ] = "1,0.8,0.5",
    also: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Further recipes as rows of their own.", rich_help_panel=ROWS
        ),
    ] = "",
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the record as JSON only.")
    ] = False,
) -> None:
    """Measure what each part of the method does: Table 2 of the paper, with intervals.

    Start the same command several times, on machines that share the folder, to divide the work.

    \b
    Examples:
      spurbench ablate --seeds 5
      spurbench ablate --classes koala --seeds 1,2 --kappas 1,0.5 --out trial
    """
    from spurbench import plugins
    from spurbench.files import write_text
    from spurbench_builders.inputs.request import cards_named
    from spurbench_builders.progress import follow
    from spurbench_builders.recipes.files import load_recipe

    base = load_recipe(recipe)
    cards = cards_named(classes, plugins.domain(base.domain))
    wanted_seeds = _seeds(seeds)
    for option, said in (("--readings", readings), ("--kappas", kappas)):
        if not words(said):
            raise UserError(f"{option} names none; give one or more, separated by commas")
    weights = [number(word, "--kappas", 0.0, MOST_KAPPA) for word in words(kappas)]
    if not json_output:
        announce("ablate", "torch", "diffusers")
    from .report import report
    from .run import Ablation, AblationRequest
    from .variants import distinct, others, table2

    rows = table2(base, words(readings), weights)
    request = AblationRequest(
        distinct([*rows, *others(words(also), base)]),
        tuple(cards),
        wanted_seeds,
        images,
        contexts,
        out,
    )
    work = Ablation(request)
    follow(work.run(), quiet=json_output)
    record = work.record()
    write_text(out / "ablation.json", json.dumps(record, indent=1) + "\n")
    plot = _plot(record, out, quiet=json_output)
    write_text(out / "ablation.md", f"# Ablation\n\n{report(record, plot)}")
    if json_output:
        print_json(record)
    else:
        say(f"read {out}/ablation.md")


def _plot(record: dict[str, object], out: Path, *, quiet: bool) -> str | None:
    from spurbench.files import write_bytes

    from .report import plot

    try:
        write_bytes(out / "ablation.png", plot(record))
    except UserError as error:
        if not quiet:
            tell(f"no plot: {error}")
        return None
    return "ablation.png"


def _seeds(text: str) -> tuple[int, ...]:
    """How many seeds, from 0 on, or the seeds themselves."""
    named = words(text)
    if not named:
        raise UserError("--seeds names none; give how many, or the seeds separated by commas")
    if "," not in text:
        return tuple(range(whole(named[0], "--seeds", 1, MOST_SEEDS)))
    return tuple(dict.fromkeys(whole(word, "--seeds", 0, MOST_SEED) for word in named))
