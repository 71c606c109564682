"""`spurbench publish` and `spurbench pull`: thin functions over publish.py and pull.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object only.")]


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Data set folder.")],
    repo_id: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="Where to on the hub; made if it is new.")
    ],
    version: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Tag, such as 1.1.0; else the next that fits."),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository a private one.")
    ] = False,
    create_pr: Annotated[
        bool, typer.Option("--create-pr", help="Open a pull request instead of a version.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be uploaded, and end.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before a first public upload.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Put a data set on the Hugging Face hub as a version that stays.

    Only changed files are sent, in one commit. An upload that was cut off
    goes on when the same command is run again.

    \b
    Examples:
      spurbench publish spurbench --repo-id me/spurbench --dry-run
      spurbench publish spurbench --repo-id me/spurbench --version 1.1.0
    """
    from .publish import Request, propose
    from .publish import publish as carry_out
    from .screen import asked, bars, show_proposal, show_published

    proposal = propose(Request(folder, repo_id, version, private, create_pr))
    if not json_output:
        show_proposal(proposal)
    done = None
    if not dry_run:
        if proposal.first_in_public and not yes:
            asked(proposal)
        with bars(quiet=json_output):
            done = carry_out(proposal)
    show_published(proposal, done, json_output=json_output)
