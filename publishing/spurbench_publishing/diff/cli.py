"""`spurbench diff`: a thin function over versions.py and scores.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def diff(
    before: Annotated[
        str, typer.Argument(help="Data set folder, or hub id OWNER/NAME[@REVISION].")
    ],
    after: Annotated[str, typer.Argument(help="The same of the version to compare with.")],
    scores: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="FILE FILE",
            help="Results (.json) of one model on the two: spurious accuracy by class.",
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit code 1 where they differ, as of git diff.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Tell what changed between two versions of a data set, class by class.

    Exit code 0 whether they differ or not, unless --exit-code is given.

    \b
    Examples:
      spurbench diff old new
      spurbench diff ORG/spurbench@v1.0.0 spurbench --json
    """
    from spurbench.dataset.hub import PICTURES
    from spurbench.printing import out, print_json
    from spurbench_publishing.where import folder_of

    from .scores import score_changes
    from .show import lines, score_lines
    from .versions import difference, opened

    versions = [opened(where, folder_of(where, PICTURES)) for where in (before, after)]
    found = difference(*versions)
    compared = score_changes(scores, *versions) if scores else None
    if json_output:
        shown = found.as_data()
        if compared:
            spec, changed = compared
            shown["scores"] = {"model": spec, "changes": [one.as_data() for one in changed]}
        print_json(shown)
    else:
        for line in (*lines(found), *(score_lines(*compared) if compared else ())):
            out(line)
    raise typer.Exit(1 if exit_code and found.differs else 0)
