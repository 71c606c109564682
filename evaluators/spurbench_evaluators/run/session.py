"""A call of `spurbench eval`: stored answers where nothing changed, else a run that can go on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from spurbench.contracts import Classifier
from spurbench.errors import UserError
from spurbench.scores.stored import Outcome
from spurbench_evaluators.data.sources import Source

from .checks import check_source
from .job import Job, job_of
from .placement import place
from .runner import run
from .settings import Settings
from .work import Work, locked

Watch = Callable[[Iterable[int], int | None], Iterable[int]]
Say = Callable[[str], None]


def unwatched(steps: Iterable[int], total: int | None) -> Iterable[int]:
    """The steps as they are."""
    return steps


def unsaid(line: str) -> None:
    """Drop the line."""


def evaluate_all(
    classifiers: Sequence[Classifier],
    source: Source,
    results: Path,
    settings: Settings,
    watch: Watch = unwatched,
    say: Say = unsaid,
) -> list[Outcome]:
    """Score every classifier on the source and write predictions and results.

    ``watch`` is given the numbers of pictures done, as they come, and the total, and passes them on;
    ``say`` is given a line a noteworthy event. A model that cannot be scored is a UserError, and
    leaves no result.
    """
    for classifier in classifiers:
        check_source(classifier, source)
        place(classifier, settings.placement)
    jobs = [job_of(classifier, source, results, settings) for classifier in classifiers]
    for i, job in enumerate(jobs):
        if job.path in [other.path for other in jobs[:i]]:
            raise UserError(f"{job.spec} is named twice; leave one out")
    outcomes = [None if settings.fresh else job.stored() for job in jobs]
    pending = [job for job, outcome in zip(jobs, outcomes, strict=True) if outcome is None]
    scored = iter(_scored(pending, source, settings, watch, say))
    return [outcome or next(scored) for outcome in outcomes]


def _scored(
    jobs: Sequence[Job], source: Source, settings: Settings, watch: Watch, say: Say
) -> list[Outcome]:
    """Run the jobs together, each under its lock, and put what they give in place."""
    if not jobs:
        return []
    with ExitStack() as stack:
        for job in jobs:
            stack.enter_context(locked(job.results, job.provenance))
        # Opened under the lock: until then another process may be adding parts.
        works = [job.open_work(fresh=settings.fresh) for job in jobs]
        steps = stack.enter_context(closing(_answered(jobs, works, source, settings, say)))
        for _ in watch(steps, source.count):
            pass
        return [job.finish(work, source.count) for job, work in zip(jobs, works, strict=True)]


def _answered(
    jobs: Sequence[Job], works: Sequence[Work], source: Source, settings: Settings, say: Say
) -> Generator[int]:
    """Run the jobs' models over the source, yielding the number of pictures done."""
    members = [replace(job.member, start=work.stop) for job, work in zip(jobs, works, strict=True)]
    for member in members:
        if member.start:
            say(f"{member.classifier.spec}: goes on after {member.start} pictures")
    running = run(
        members,
        source.pictures(),
        batch_size=settings.chosen_batch_size(),
        workers=settings.chosen_workers(),
        skip_unreadable=settings.skip_unreadable,
    )
    limits = [member.limit for member in members]
    yield min(member.start for member in members)
    # Closed with this generator: an error or Ctrl-C in the caller's loop ends its threads too.
    with closing(running) as chunks:
        for chunk in chunks:
            for work, seen, left_out in zip(works, chunk.seen, chunk.unreadable, strict=True):
                if seen is not None:
                    work.add(chunk, seen, left_out)
            for i, member in enumerate(members):
                if member.limit != limits[i]:
                    now = f"now {member.limit} pictures a batch"
                    say(f"{member.classifier.spec}: out of memory, {now}")
                    limits[i] = member.limit
            yield chunk.stop
