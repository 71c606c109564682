"""Classes one after another, each through its steps and into the data set folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from spurbench.contracts import ClassCard
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree
from spurbench.locks import held
from spurbench_builders.inputs.request import BuildRequest, work_root
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.steps import engine
from spurbench_builders.steps.job import Job, job_of
from spurbench_builders.steps.judge import judged
from spurbench_builders.team import Team

from .install import install


def one_after_another(
    cards: Iterable[ClassCard], request: BuildRequest, models: Models, mates: Team
) -> Iterator[Progress]:
    """Build the classes; with several in the request, one that fails does not stop the others: its
    last event is called ``failed`` and says why."""
    for card in cards:
        try:
            with friendly_disk_errors(request.out):
                yield from _class(card, request, models, mates)
        except UserError as error:
            # In a team the others wait where this process failed: all must end.
            if mates.size > 1 or len(request.classes) == 1:
                raise
            yield Progress(card.name, "failed", 1, 1, str(error))


def _class(
    card: ClassCard, request: BuildRequest, models: Models, mates: Team
) -> Iterator[Progress]:
    """Every step in order, then the class's way into the data set folder, which is always done, so
    that a lost folder comes back."""
    work = work_root(request.out)
    jobs = [job_of(each, card, models, mates) for each in request.of_each_seed]
    if not mates.leads:
        for job in jobs:
            yield from engine.work(job, models, mates)
        mates.wait()
        return
    # A process that was building this class for a build that was killed ends at once; until then
    # the class is its.
    with held(work / f".{card.slug}.lock", wait=True):
        for job in jobs:
            if request.fresh:
                remove_tree(job.root)
            yield from engine.work(job, models, mates)
        yield Progress(card.name, "install", 0, 1)
        with held(work / ".install.lock", wait=True):  # others add classes to the same manifest
            install(jobs, models.domain.name)
    yield Progress(card.name, "install", 1, 1, _summary(jobs))
    mates.wait()


def _summary(jobs: Sequence[Job]) -> str:
    """What panel and referee say of the pictures, seed by seed where there are several."""
    if len(jobs) == 1:
        return judged(jobs[0]).summary
    return "; ".join(f"seed {job.request.seed}: {judged(job).summary}" for job in jobs)
