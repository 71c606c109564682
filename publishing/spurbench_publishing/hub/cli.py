"""`spurbench publish` and `spurbench pull`: thin functions over publish.py and pull.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spurbench.numerals import words

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


def pull(
    data_set: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="Data set on the hub, perhaps @VERSION.")
    ],
    version: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Tag, branch or commit; else what main holds."),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these, by comma; else all.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Data set folder to make or add to.")
    ] = Path("spurbench"),
    json_output: JsonOption = False,
) -> None:
    """Take a published data set, or some of its classes, into a folder.

    It loads from there without a network. Classes that were pulled before
    are replaced, others stay; a pull that was cut off goes on.

    \b
    Examples:
      spurbench pull me/spurbench
      spurbench pull me/spurbench --version 1.1.0 --classes koala,gondola
    """
    from spurbench.errors import UserError

    from .pull import Wanted
    from .pull import pull as carry_out
    from .screen import bars, show_pulled

    names = None if classes is None else tuple(words(classes))
    if names == ():
        raise UserError("--classes names nothing; leave it out for all")
    with bars(quiet=json_output):
        ended = carry_out(Wanted(data_set, version, names, out))
    show_pulled(ended, data_set, out, json_output=json_output)
