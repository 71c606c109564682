"""`spurbench verify`: a thin function over checks.py."""

from __future__ import annotations

from typing import Annotated

import typer


def verify(
    data: Annotated[str, typer.Argument(help="Data set folder, or hub id OWNER/NAME[@REVISION].")],
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Check everything in a data set, and report all that is wrong with it.

    Exit code 0 for a sound one, 1 for one with faults; notes are no faults.

    \b
    Examples:
      spurbench verify spurbench
      spurbench verify ORG/spurbench@v1.1.0 --json
    """
    from spurbench.printing import out, print_json
    from spurbench.terminal import announce
    from spurbench_publishing.where import folder_of

    from .show import lines
    from .watching import bar

    folder = folder_of(data)
    announce("verify", "datasets")
    from .checks import verify as checked

    with bar(quiet=json_output) as told:
        report = checked(folder, told, data)
    if json_output:
        print_json(report.as_data())
    else:
        for line in lines(report):
            out(line)
    raise typer.Exit(0 if report.sound else 1)
