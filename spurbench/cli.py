"""The command line: mounts what plug-ins bring, and turns user errors into one line and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from . import __version__, plugins
from .errors import UserError, disk_reason, short, to_mend, unknown
from .printing import ReaderGone, one_line, out, settle, streams, tell
from .terminal import Stopped, stopping

app = typer.Typer(
    name="spurbench",
    help="Make spurious-feature data sets and score image classifiers on them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out(f"spurbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command("list")
def list_names(
    kind: Annotated[
        str, typer.Argument(help="classes, recipes, models, domains, builders or loaders")
    ],
    domain: Annotated[
        str, typer.Option(metavar="NAME", help="Domain whose classes to list.")
    ] = "micro",
    loader: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Loader whose models to list: micro, timm, torchvision, ..."
        ),
    ] = "micro",
) -> None:
    """List what can be named in other commands, one a line.

    \b
    Examples:
      spurbench list classes --domain imagenet
      spurbench list models --loader timm
    """
    listings: dict[str, Callable[[], list[str]]] = {
        "classes": lambda: [f"{c.name:24} {c.feature}" for c in plugins.domain(domain).cards()],
        "recipes": lambda: plugins.load("builders", "dreambooth")().describe(),
        "models": lambda: plugins.model_names(loader),
        "domains": lambda: list(plugins.find("domains")),
        "builders": lambda: list(plugins.find("builders")),
        "loaders": lambda: list(plugins.find("evaluators")),
    }
    if kind not in listings:
        raise unknown("kind", kind, listings)
    for line in listings[kind]():
        out(line)


def mount_commands() -> None:
    """Add the commands of installed plug-ins (entry points ``spurbench.commands``)."""
    taken = {command.name for command in app.registered_commands}
    for name, point in plugins.find("commands").items():
        if name in taken:
            raise UserError(f"plug-in {point.value} wants the command {name!r}, which is taken")
        loaded = point.load()
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=name)
        else:
            app.command(name)(loaded)


def main() -> None:
    """Entry point of the ``spurbench`` command."""
    code = _ended()
    settle()
    sys.exit(code)


def _ended() -> int:
    """Run the command; its exit code, with a line on stderr for what is the user's to mend."""
    try:
        with streams(), stopping():
            return _run()
    except UserError as error:
        tell(f"spurbench: {error}")
    except Stopped as stopped:
        stopped.tell()
        return stopped.code
    except ReaderGone as gone:
        return gone.code
    return 2


def _run() -> int:
    try:
        _check_working_folder()
        _check_mask()
        mount_commands()
        ended = app(prog_name="spurbench", standalone_mode=False)
    except typer.TyperException as error:  # words that the command does not know
        said = one_line(error.format_message())
        if not said:  # nothing was asked for: help has been printed
            return error.exit_code
        path = getattr(getattr(error, "ctx", None), "command_path", "spurbench")
        raise UserError(f"{said.rstrip('.')}; see `{path} --help`") from error
    except typer.Abort as error:
        raise UserError("stopped before it began") from error
    except OSError as error:
        mended = to_mend(error)
        if mended is None:
            raise
        raise mended from error
    except UnicodeEncodeError as error:
        raise UserError(
            f"{short(error.object)}: cannot be stored as UTF-8; rename what is called so"
        ) from error
    return ended if isinstance(ended, int) else 0


def _check_mask() -> None:
    """A mask that takes our own rights from what we make lets nobody read, go on or clean up."""
    mask = os.umask(0)
    os.umask(mask)
    if mask & 0o700:
        raise UserError(f"umask {mask:04o} takes your own rights away; set another, such as 0022")


def _check_working_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise UserError(
            f"the working folder cannot be found ({disk_reason(error)}); change to another with cd"
        ) from error
