"""A call of `spurbench eval`: stored answers where nothing changed, else a run that can go on."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from spurbench import plugins
from spurbench.contracts import Classifier
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, sha256_json, write_bytes
from spurbench.results import (
    ModelRecord,
    Result,
    Unreadable,
    read_result,
    result_path,
    write_result,
)
from spurbench.scores.predictions import Predictions, Provenance, decode, encode, read_predictions
from spurbench.scores.summary import result_of
from spurbench_evaluators.data.sources import Source

from .framing import framing_of
from .placement import Placement, cores, place, placement_of
from .runner import Member, forward, run
from .work import Work, alike, locked

PROBE_PICTURES = 1
PROBE_OUTPUTS = 8


@dataclass(frozen=True)
class Settings:
    """How to run. ``batch_size`` None takes the device's usual one, ``workers`` None the cores."""

    placement: Placement
    framing: str = "model"
    batch_size: int | None = None
    workers: int | None = None
    skip_unreadable: bool = False
    keep_logits: bool = False
    fresh: bool = False

    def chosen_batch_size(self) -> int:
        return self.batch_size or self.placement.batch_size

    def chosen_workers(self) -> int:
        return self.workers or cores()


@dataclass(frozen=True)
class Outcome:
    """A scored model: its result, its predictions, where they lie, whether they were there before."""

    result: Result
    predictions: Predictions
    path: Path
    stored: bool

    @property
    def predictions_path(self) -> Path:
        return predictions_path(self.path, self.result)


def evaluate_all(
    classifiers: Sequence[Classifier],
    source: Source,
    results: Path,
    settings: Settings,
    watch: Callable[[Iterable[int], int | None], Iterable[int]] = lambda steps, total: steps,
    say: Callable[[str], None] = lambda line: None,
) -> list[Outcome]:
    """Score every classifier on the source and write predictions and results.

    ``watch`` is given the numbers of pictures done, as they come, and the total, and passes them on;
    ``say`` is given a line a noteworthy event. A model that cannot be scored is a UserError, and
    leaves no result.
    """
    for classifier in classifiers:
        check_source(classifier, source)
        place(classifier, settings.placement)
    jobs = [_Job.of(classifier, source, results, settings) for classifier in classifiers]
    for i, job in enumerate(jobs):
        if job.path in [other.path for other in jobs[:i]]:
            raise UserError(f"{job.member.classifier.spec} is named twice; leave one out")
    outcomes = [None if settings.fresh else job.stored() for job in jobs]
    pending = [job for job, outcome in zip(jobs, outcomes, strict=True) if outcome is None]
    if pending:
        with ExitStack() as stack:
            for job in pending:
                stack.enter_context(locked(results, job.provenance))
            steps = stack.enter_context(closing(_answer(pending, source, settings, say)))
            for _ in watch(steps, source.count):
                pass
            finished = {id(job): job.finish(source.count) for job in pending}
        outcomes = [
            outcome or finished[id(job)] for job, outcome in zip(jobs, outcomes, strict=True)
        ]
    return [outcome for outcome in outcomes if outcome is not None]


def _answer(
    jobs: Sequence[_Job], source: Source, settings: Settings, say: Callable[[str], None]
) -> Generator[int]:
    """Run the jobs' models over the source, yielding the number of pictures done."""
    works = [job.open_work(fresh=settings.fresh) for job in jobs]
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


@dataclass
class _Job:
    """One model on one source."""

    member: Member
    provenance: Provenance
    results: Path
    work: Work | None = None

    @classmethod
    def of(cls, classifier: Classifier, source: Source, results: Path, settings: Settings) -> _Job:
        framing = framing_of(classifier.transform, settings.framing)
        placement = placement_of(classifier, settings.placement)
        member = Member(classifier, framing, placement, settings.keep_logits)
        provenance = Provenance(
            model=_model_record(member),
            data=source.record,
            environment=environment(placement, classifier.spec),
            keep_logits=settings.keep_logits,
            skip_unreadable=settings.skip_unreadable,
            probe=probe(member),
        )
        return cls(member, provenance, results)

    @property
    def path(self) -> Path:
        p = self.provenance
        return result_path(self.results, p.model, p.data, p.environment)

    def stored(self) -> Outcome | None:
        """The outcome that lies there, if it is of the same run by the same network."""
        try:
            result = read_result(self.path)
            found = read_predictions(predictions_path(self.path, result))
        except UserError:
            return None
        # Logits on top of what is asked for do no harm.
        kept = {"keep_logits": self.provenance.keep_logits or found.provenance.keep_logits}
        same = found.provenance.key() == self.provenance.model_copy(update=kept).key()
        intact = found.sha256 == result.predictions_sha256
        if same and intact and alike(found.provenance.probe, self.provenance.probe):
            return Outcome(result, found, self.path, stored=True)
        return None

    def open_work(self, *, fresh: bool) -> Work:
        self.work = Work(self.results, self.provenance)
        if fresh:
            self.work.clear()
        return self.work

    def finish(self, expected: int | None) -> Outcome:
        """Put predictions and result in place, then forget the parts; ``expected``: how many
        pictures there are, where that is known."""
        assert self.work is not None
        with friendly_disk_errors(self.results):
            table, unreadable = self.work.finished(expected)
            if not table.num_rows:
                raise UserError("none of the pictures can be read; nothing to score")
            data = self.provenance.data.model_copy(update={"unreadable": unreadable})
            encoded = encode(table, self.provenance.model_copy(update={"data": data}))
            outcome = install(encoded, self.results)
            self.work.clear()
        return outcome


def install(encoded: bytes, results: Path) -> Outcome:
    """Write a predictions file and the result that it gives."""
    predictions = decode(encoded, "predictions")
    result = result_of(predictions)
    path = result.path_under(results)
    # The name holds the hash: whichever JSON is there, its predictions are beside it.
    kept = predictions_path(path, result)
    write_bytes(kept, encoded)
    write_result(result, path)
    for stale in set(path.parent.glob(f"{path.stem}.*.parquet")) - {kept}:
        stale.unlink()
    return Outcome(result, predictions, path, stored=False)


def predictions_path(path: Path, result: Result) -> Path:
    """Where the per-picture predictions of a result file lie."""
    return path.with_name(f"{path.stem}.{result.predictions_sha256[:8]}.parquet")


def check_source(classifier: Classifier, source: Source) -> None:
    """UserError unless the classifier's labels are the source's, with an output for every class."""
    space = classifier.label_space
    if space.domain != source.record.domain:
        raise UserError(
            f"{classifier.spec} knows the labels of {space.domain!r}, but "
            f"{source.where} is of {source.record.domain!r}; choose a model or data set to match"
        )
    if len(space.domain_columns()) < 2:
        raise UserError(
            f"{classifier.spec}: its label space {space.name} means {len(space.domain_columns())} of "
            "the domain's labels; it takes two to choose between"
        )
    beyond = [name for name, (label, _) in source.classes.items() if space.column(label) is None]
    if beyond:
        raise UserError(
            f"{classifier.spec}: has {len(space.names)} labels, none for {', '.join(beyond)}; choose "
            "other classes with --classes, or another model"
        )


def probe(member: Member) -> list[float | None]:
    """A network's first outputs for a fixed picture of noise: they tell it from another network
    whose records are the same, such as edited code."""
    import numpy as np

    size = member.framing.pictures.size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (PROBE_PICTURES, size, size, 3), dtype=np.uint8)
    logits = forward(member, pixels, check=False)
    values = logits[:, :PROBE_OUTPUTS].flatten().tolist()
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in values]


def _model_record(member: Member) -> ModelRecord:
    classifier = member.classifier
    space = classifier.label_space
    pictures, validation = (t.as_data() for t in member.transforms())
    normalisation = getattr(classifier, "normalisation", None)
    return ModelRecord(
        spec=classifier.spec,
        label_space=space.name,
        outputs=len(space.names),
        labels_sha256=sha256_json([space.names, space.labels]),
        transform=pictures,
        val_transform=None if validation == pictures else validation,
        normalisation=asdict(normalisation) if normalisation else None,
        **asdict(classifier.facts),
    )


def environment(placement: Placement, spec: str) -> dict[str, str]:
    """Versions, those of the loader's own packages among them, and the arithmetic: what can move a
    score."""
    packages = ("spurbench", "torch", "timm", "pillow", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        **{p: version(p) for p in packages},
        **plugins.packages(spec),
        "device": placement.described(),
        "dtype": placement.dtype,
    }


def unreadable_note(unreadable: Sequence[Unreadable]) -> str:
    """One line on the pictures that were left out."""
    names = ", ".join(f"{u.slug}/{u.split}/{u.index}" for u in unreadable[:3])
    more = f" and {len(unreadable) - 3} more" if len(unreadable) > 3 else ""
    return f"left out as unreadable: {len(unreadable)} pictures ({names}{more})"
