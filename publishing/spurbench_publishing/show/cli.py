"""`spurbench show`: a thin function over making.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="Data set folder.")],
    classes: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAMES", help="Classes to show, separated by commas; else all."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A file .html for one page of them all, or a folder for a page a class; else "
            "one or the other beside you, named after the data set.",
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Make a page of a data set to look at: pictures, what the panel said, what the audit found.

    It holds everything that it shows and loads nothing: it can be kept, sent, and opened offline.

    \b
    Examples:
      spurbench show spurbench --class koala --open
      spurbench show spurbench --out pages
    """
    from spurbench.printing import out as say
    from spurbench.printing import print_json, tell

    from .making import make_pages

    made = make_pages(data, classes, out)
    if json_output:
        print_json({"out": str(made.entry), "bytes": made.size, "pages": made.pages})
    else:
        say(f"{made.entry}: {made.words}")
    if open_it:
        import webbrowser

        if not webbrowser.open(made.entry.absolute().as_uri()):
            tell(f"spurbench show: no browser could be started; open {made.entry} yourself")
