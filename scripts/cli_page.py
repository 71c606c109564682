"""Writes docs/cli.md from what `spurbench --help` says of every command.

python scripts/cli_page.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import typer

from spurbench.cli import app, mount_commands
from spurbench.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
HEAD = """# Commands

Written by `scripts/cli_page.py` from `spurbench --help`. A wrong word, name or file is answered with one
line that says what, where and the way out, and with exit code 2.
"""


def page() -> str:
    """The whole page. It does not depend on the terminal: no line is wrapped."""
    mount_commands()
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="spurbench")
    return "\n".join([HEAD, *_sections(command, context, level=2)])


def _sections(command: Any, context: Any, level: int) -> Iterator[str]:
    """The command's own section, then those of its subcommands, by name."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"{'#' * level} {context.command_path}\n"
    said, _, examples = (command.help or "").partition("\b\n")
    yield f"{_plain(said.strip())}\n"
    yield f"```text\n{usage}\n```\n"
    if examples:
        title, _, lines = examples.partition("\n")
        yield f"{title}\n\n```sh\n{dedent(lines).strip()}\n```\n"
    yield from _table("command", _subcommands(command, context))
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    yield from _table("option", [record for record in records if record])
    for name in sorted(getattr(command, "commands", {})):
        below = command.commands[name]
        inner = typer.Context(below, info_name=name, parent=context)
        yield from _sections(below, inner, level + (context.parent is not None))


def _subcommands(command: Any, context: Any) -> list[tuple[str, str]]:
    below = getattr(command, "commands", {})
    return [(f"{context.command_path} {name}", _first_line(below[name])) for name in sorted(below)]


def _first_line(command: Any) -> str:
    return (command.help or "").partition("\n")[0]


def _table(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"| {title} | meaning |\n|---|---|"
    for name, said in rows:
        yield f"| `{name.replace('|', chr(92) + '|')}` | {' '.join(_plain(said).split())} |"
    yield ""


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, also in a table's cell."""
    for sign, shown in (("\\", "\\\\"), ("<", "&lt;"), ("*", "\\*"), ("|", "\\|")):
        text = text.replace(sign, shown)
    return text


if __name__ == "__main__":
    write_text(PAGE, page())
