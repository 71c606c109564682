"""What long work says as it goes, and how a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spurbench.printing import console as screen
from spurbench.printing import one_line

if TYPE_CHECKING:
    from rich.progress import TaskID

LAST = ("install", "failed")
"""Steps with which a class is over, and its bar goes."""


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` units of a step of a class; ``note`` says more, such as the loss."""

    class_name: str
    step: str
    done: int
    total: int
    note: str = ""


def follow(events: Iterable[Progress], *, quiet: bool) -> None:
    """Run to the end, drawing a bar for each class at work, and a line when a step of one ends;
    nothing where ``quiet``."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = screen(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),  # it may hold [brackets]
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}
        for event in events:
            title = f"{event.class_name}: {event.step}"
            if event.class_name not in tasks:
                tasks[event.class_name] = bars.add_task(title, note="", total=None)
            task = tasks[event.class_name]
            bars.update(
                task, description=title, completed=event.done, total=event.total, note=event.note
            )
            if event.done != event.total:
                continue
            line = one_line(f"{title:28} {event.done:>4}  {event.note}")
            console.print(line, soft_wrap=True)
            if event.step in LAST:
                bars.remove_task(tasks.pop(event.class_name))
