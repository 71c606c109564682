"""`spurbench build`: from references to finished classes in a data set folder.

A class goes through the steps of steps/engine.py in a work folder of its own, then enters the data
set (classes.py). With several classes and cores, other processes build some of them meanwhile
(side_by_side.py). Under `accelerate launch` every process runs this; the lead alone writes the data
set. What takes seconds to import is imported once all inputs are known to be good.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors
from spurbench.parallel import computing_with
from spurbench_builders.arithmetic import repeatable
from spurbench_builders.inputs.pool import check_pools
from spurbench_builders.inputs.request import BuildRequest, work_root
from spurbench_builders.models.where import check_base
from spurbench_builders.progress import Progress
from spurbench_builders.steps.finished import only_one
from spurbench_builders.team import Team, team
from spurbench_builders.threads import threads_for

from .side_by_side import Crew, crew, processes
from .target import check_writable


def build(request: BuildRequest) -> Iterator[Progress]:
    """Check what is asked for, at once; then build every class of the request, yielding progress.
    Finished steps are not repeated."""
    with friendly_disk_errors(request.out):
        check_writable(request.out)
    recipe, domain = request.recipe, plugins.domain(request.recipe.domain)
    check_pools(request, domain)
    check_base(recipe.base, recipe.base_revision, domain)
    return _build(request)


def _build(request: BuildRequest) -> Iterator[Progress]:
    count = processes(request)
    mates = team(request.recipe.device)
    lock = only_one(work_root(request.out)) if mates.leads else nullcontext()
    threads = threads_for(request.recipe.threads)
    with (
        friendly_disk_errors(request.out),
        lock,
        crew(request, count - 1) as helpers,  # first: they import while this process does
        computing_with(threads),
        repeatable(request.deterministic),
    ):
        yield from _every_class(request, mates, helpers)


def _every_class(request: BuildRequest, mates: Team, helpers: Crew) -> Iterator[Progress]:
    """This process's classes and the helpers', and at the end a UserError for those that failed."""
    from spurbench_builders.models.needed import Models

    from .check import check
    from .classes import one_after_another

    models = Models(request.recipe, plugins.domain(request.recipe.domain), mates)
    check(models, request.classes, mates)
    failures: list[str] = []
    own = one_after_another(iter(helpers.take, None), request, models, mates)
    for event in helpers.together(own):
        if event.step == "failed":
            failures.append(event.note)
        yield event
    if failures:
        raise UserError(
            f"{len(failures)} of {len(request.classes)} classes were not built: "
            f"{'; '.join(failures)}"
        )
