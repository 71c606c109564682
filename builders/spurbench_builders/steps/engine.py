"""The steps of a class in their order, what each needs, and which are shared out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .finished import borrow_step, is_finished, part_folder, run_step, save_json, stored
from .identity import INDEPENDENT_OF, step_key
from .job import Job
from .judge import judge
from .prior import prior
from .sample import sample
from .select import references
from .splits import splits
from .train import train


@dataclass(frozen=True)
class Step:
    """A step: ``make`` works in the folder it is given, which becomes ``name`` in the job's work
    folder; ``needs`` are the steps whose folders it reads. Every process of a team works at a
    ``shared`` one, the lead alone at the others."""

    name: str
    make: Callable[[Job, Models, Team, Path], Iterator[Progress]]
    needs: tuple[str, ...] = ()
    shared: bool = False


STEPS = (
    Step("references", references),
    Step("prior", prior, shared=True),
    Step("train", train, ("references", "prior"), shared=True),
    Step("sample", sample, ("train",), shared=True),
    Step("audit", judge, ("references", "sample")),
    Step("splits", splits, ("references", "sample", "audit")),
)


def work(job: Job, models: Models, team: Team, goal: str = STEPS[-1].name) -> Iterator[Progress]:
    """The step called ``goal`` and all that it needs, in order; what is finished is not repeated."""
    for step in steps_toward(goal):
        # The lead alone looks, and all do as it says: a step that it finishes meanwhile would be
        # there for some processes and not for others, which would then wait for each other.
        if team.agreed(team.leads and not _is_there(job, step)):
            yield from _do(job, models, team, step)
        team.wait()


def steps_toward(goal: str) -> list[Step]:
    """The step of that name and those that it needs, directly or not, in order."""
    wanted = {goal}
    for step in reversed(STEPS):  # a step needs earlier ones only
        if step.name in wanted:
            wanted |= set(step.needs)
    return [step for step in STEPS if step.name in wanted]


def key_of(job: Job, name: str) -> str:
    """Hash of everything that a step of INDEPENDENT_OF is made from."""
    return step_key(job.identity, name, job.kappa)


def _is_there(job: Job, step: Step) -> bool:
    """Whether the step is finished, here or in another build from which it can be taken over."""
    if is_finished(job.root, step.name):
        return True
    if job.request.fresh or step.name not in INDEPENDENT_OF:
        return False
    return borrow_step(job.root, step.name, key_of(job, step.name))


def _do(job: Job, models: Models, team: Team, step: Step) -> Iterator[Progress]:
    make = partial(step.make, job, models, team)
    if not team.leads:
        if step.shared:
            deque(make(part_folder(job.root, step.name)), maxlen=0)  # the lead tells its progress
        return
    began = time.monotonic()
    key = key_of(job, step.name) if step.name in INDEPENDENT_OF else None
    yield from run_step(job.root, step.name, make, key)
    _log_time(job.root / "timings.json", step.name, time.monotonic() - began)


def _log_time(path: Path, name: str, seconds: float) -> None:
    save_json(path, stored(path) | {name: round(seconds, 2)})
