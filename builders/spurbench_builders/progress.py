"""What long work says as it goes, and how a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` units of a step of a class; ``note`` says more, such as the loss."""

    class_name: str
    step: str
    done: int
    total: int
    note: str = ""


def follow(events: Iterable[Progress], *, quiet: bool) -> None:
    """Run to the end, drawing a bar a step, and a line when it ends; nothing where ``quiet``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as bars:
        task = bars.add_task("", note="", total=None)
        for event in events:
            title = f"{event.class_name}: {event.step}"
            bars.update(
                task, description=title, completed=event.done, total=event.total, note=event.note
            )
            if event.done == event.total:
                console.print(
                    f"{title:28} {event.done:>4}  {event.note}",
                    highlight=False,
                    markup=False,  # a note may hold [brackets], which rich would take for markup
                    soft_wrap=True,
                )
