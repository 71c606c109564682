"""The command line: mounts what plug-ins bring, and turns user errors into one line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from . import __version__, plugins
from .errors import UserError, unknown
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
        typer.echo(f"spurbench {__version__}")
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
        typer.echo(line)


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
    try:
        with stopping():
            mount_commands()
            app()
    except UserError as error:
        typer.echo(f"spurbench: {error}", err=True)
        sys.exit(2)
    except Stopped as stopped:
        stopped.tell()
        sys.exit(stopped.code)
