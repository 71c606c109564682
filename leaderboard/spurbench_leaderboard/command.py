"""`spurbench leaderboard ...`: thin functions over markdown.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Turn result files into tables.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def render(
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder of result files.")] = Path(
        "leaderboard/results"
    ),
    readme: Annotated[
        Path, typer.Option(metavar="FILE", help="Markdown file with the markers.")
    ] = Path("README.md"),
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if the file is out of date.")
    ] = False,
) -> None:
    """Write the ranked table of all results between the markers of a Markdown file.

    \b
    Examples:
      spurbench leaderboard render
      spurbench leaderboard render --results results --readme BOARD.md
    """
    from spurbench.errors import UserError
    from spurbench.files import friendly_disk_errors, write_text
    from spurbench.printing import out
    from spurbench.reading import as_text, is_file, read_bytes, real
    from spurbench.results import read_results

    from .markdown import BEGIN, leaderboard, replace_between

    if not is_file(readme):
        raise UserError(f"{readme}: no such file; name the Markdown file with --readme")
    text = as_text(read_bytes(readme), readme, keep_mark=True)
    found = read_results(results)
    new = replace_between(text, leaderboard(found), str(readme))
    if check and new != text:
        raise UserError(
            f"{readme}: its leaderboard is out of date; run `spurbench leaderboard render`"
        )
    if not check:
        with friendly_disk_errors(readme):
            if new != text:
                write_text(real(readme), new)  # the file itself, where the name is a link to it
    state = "is up to date" if new == text else "written"
    out(f"{readme}: table of {len(found)} results {state} (below {BEGIN!r})")
