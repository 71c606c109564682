"""The bar of a run: pictures done, pictures a second, time left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f}/s" if task.speed else "")


def watched(steps: Iterable[int], total: int | None, console: Console) -> Iterator[int]:
    """Pass numbers of pictures done on, drawing the bar; the first one is where the run begins."""
    # Through a pipe a bar that goes away again would leave an empty line.
    hidden = console.quiet or not console.is_terminal
    columns = (MofNCompleteColumn(), TextColumn("pictures"), BarColumn(), _Speed())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden
    ) as progress:
        task = None
        for done in steps:
            if task is None:
                task = progress.add_task("", total=total, completed=done)
            progress.update(task, completed=done)
            yield done
