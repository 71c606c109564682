"""The bar of a check: pictures looked at, pictures a second, time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from spurbench.printing import console as screen


@contextmanager
def bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for the body, which tells it how many pictures of how many are done; none
    where that is no terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = screen(stderr=True, quiet=quiet)
    # Through a pipe a bar that goes away again would leave an empty line.
    hidden = quiet or not console.is_terminal
    columns = (MofNCompleteColumn(), TextColumn("pictures"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
