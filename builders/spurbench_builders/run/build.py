"""`spurbench build`: from references to finished classes in a data set folder.

A class goes through the steps of steps/engine.py in a work folder of its own, then enters the data
set. Under `accelerate launch` every process runs this; the lead alone writes the data set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from spurbench import plugins
from spurbench.dataset.write import check_target
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree
from spurbench_builders.inputs.request import BuildRequest, work_root
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.steps import engine
from spurbench_builders.steps.finished import only_one
from spurbench_builders.steps.job import Job, job_of
from spurbench_builders.steps.judge import judged
from spurbench_builders.team import Team, team

from .check import check
from .install import install


def build(request: BuildRequest) -> Iterator[Progress]:
    """Build every class of the request in turn, yielding progress; finished steps are not repeated."""
    domain = plugins.domain(request.recipe.domain)
    with friendly_disk_errors(request.out):
        check_target(request.out)
    mates = team()
    lock = only_one(work_root(request.out)) if mates.leads else nullcontext()
    with friendly_disk_errors(request.out), lock:
        models = Models(request.recipe, domain, mates)
        check(models, request.classes, mates)
        yield from _every_class(request, models, mates)


def _every_class(request: BuildRequest, models: Models, mates: Team) -> Iterator[Progress]:
    """One class after another; with several, one that fails does not stop the others."""
    failures: list[str] = []
    for card in request.classes:
        try:
            job = job_of(request, card, models, mates)
            if request.fresh and mates.leads:
                remove_tree(job.root)
            yield from _class(job, models, mates)
        except UserError as error:
            # In a team the others wait where this process failed: all must end.
            if mates.size > 1 or len(request.classes) == 1:
                raise
            failures.append(str(error))
            yield Progress(card.name, "failed", 1, 1, str(error))
    if failures:
        raise UserError(
            f"{len(failures)} of {len(request.classes)} classes were not built: "
            f"{'; '.join(failures)}"
        )


def _class(job: Job, models: Models, mates: Team) -> Iterator[Progress]:
    """Every step in order, then the class's way into the data set folder, which is always done, so
    that a lost folder comes back."""
    yield from engine.work(job, models, mates)
    if mates.leads:
        yield job.progress("install", 0, 1)
        install(job, models.domain.name)
        yield job.progress("install", 1, 1, judged(job).summary)
    mates.wait()
