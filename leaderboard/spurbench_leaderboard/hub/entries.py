"""A result as entries of `.eval_results/*.yaml`, and the tasks that `eval.yaml` declares for them.

The formats have no field for which direction is better, and the hub may sort the highest first: each task's
name says the measure, each entry's notes say which way is better, and what the value's range is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spurbench.printing import one_line
from spurbench.results import Interval, Means, Result
from spurbench_leaderboard.ranking import reading
from spurbench_leaderboard.tables import asked_framing

if TYPE_CHECKING:
    from huggingface_hub import EvalResultEntry

VALIDATION = "val"


@dataclass(frozen=True)
class Task:
    """A measure on a split: its name on the hub, and what its values are."""

    split: str
    measure: str
    better: str

    @property
    def name(self) -> str:
        return f"{self.split}_{self.measure.lower().replace('-', '_').replace(' ', '_')}"


@dataclass(frozen=True)
class Value:
    """A task's value in [0, 1], with its interval."""

    task: Task
    interval: Interval


def values_of(result: Result) -> list[Value]:
    """What a result says in the reading that ranks, restricted to the domain's labels: for each split its
    accuracy (spurious but for validation pictures), and the ROC-AUC where there is one."""
    return [value for split, means in sorted(result.means.items()) for value in _of(split, means)]


def _of(split: str, means: Means) -> Iterator[Value]:
    read = reading(means)
    if split == VALIDATION:
        yield Value(Task(split, "accuracy", "higher"), read.top1)
        return
    yield Value(Task(split, "spurious accuracy", "lower"), read.top1)
    if read.roc_auc is not None:
        yield Value(Task(split, "ROC-AUC", "higher"), read.roc_auc)


def entries_of(result: Result, data_repo: str) -> list[EvalResultEntry]:
    """The entries for a model's repository; ``data_repo`` is where the data set lies."""
    from huggingface_hub import EvalResultEntry

    data = result.data
    return [
        EvalResultEntry(
            dataset_id=data_repo,
            task_id=value.task.name,
            value=value.interval.value,
            dataset_revision=data.revision if data.hub_id == data_repo else None,
            notes=_notes(value, result),
        )
        for value in values_of(result)
    ]


def _notes(value: Value, result: Result) -> str:
    """What the number is, in a line; whatever the result says in it is text alone."""
    classes = len({score.slug for score in result.scores if score.split == value.task.split})
    low, high = value.interval.low, value.interval.high
    bounds = "" if low is None or high is None else f", 95 % interval {low:.4f} to {high:.4f}"
    restricted = result.means[value.task.split].restricted is not None
    head = "restricted to the domain's labels" if restricted else "over the full head"
    parts = [
        f"{value.task.measure}, {value.task.better} is better, a share in [0, 1]{bounds}",
        f"mean over {classes} class{'' if classes == 1 else 'es'}, {head}",
        f"model {result.model.spec}, weights {result.model.weights_sha256[:8]}",
        f"framing {asked_framing(result)}",
        f"data set version {result.data.version}",
    ]
    return one_line("; ".join(parts))
