"""`spurbench report`: a thin function over making.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Result file of a model.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The page; else one beside you, named after the result."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data set folder, to show the worst pictures."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="RESULT", help="Result file of a model to compare it with."),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a LaTeX table of the scores as well."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all numbers as CSV as well."),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Make a page of one scored model: scores by class, worst pictures, confusion, calibration.

    It holds everything that it shows and loads nothing: it can be kept, sent, and opened offline.

    \b
    Examples:
      spurbench report RESULT.json --pictures ./spurbench
      spurbench report RESULT.json --against OTHER.json --latex scores.tex
    """
    from spurbench.printing import out as say
    from spurbench.printing import print_json

    from .making import make_report

    written = make_report(result, out, pictures=pictures, against=against, latex=latex, csv=csv)
    if json_output:
        print_json({"files": [each.as_data for each in written]})
    else:
        for each in written:
            say(f"{each.path}: {each.words}")
