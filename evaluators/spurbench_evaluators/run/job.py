"""One model on one source: what is stored of it, the work that goes on, the files at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spurbench.contracts import Classifier
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors
from spurbench.results import result_path
from spurbench.scores.predictions import Provenance, encode
from spurbench.scores.stored import Outcome, install, read_stored
from spurbench_evaluators.data.sources import Source

from .forward import Member
from .framing import framing_of
from .placement import placement_of
from .records import environment, model_record, probe
from .settings import Settings
from .work import Work, alike


@dataclass(frozen=True)
class Job:
    """A model to run, what its predictions will say of themselves, and the results folder."""

    member: Member
    provenance: Provenance
    results: Path

    @property
    def spec(self) -> str:
        return self.member.classifier.spec

    @property
    def path(self) -> Path:
        """Where its result file lies, or will."""
        p = self.provenance
        return result_path(self.results, p.model, p.data, p.environment)

    def stored(self) -> Outcome | None:
        """The outcome that lies there, if it is of the same run by the same network."""
        try:
            kept = read_stored(self.path)
        except UserError:
            return None
        said = kept.predictions.provenance
        # Logits on top of what is asked for do no harm.
        logits = {"keep_logits": self.provenance.keep_logits or said.keep_logits}
        same = said.key() == self.provenance.model_copy(update=logits).key()
        return kept if same and alike(said.probe, self.provenance.probe) else None

    def open_work(self, *, fresh: bool) -> Work:
        """The parts that an earlier run of the same left; none where it is to begin afresh."""
        work = Work(self.results, self.provenance)
        if fresh:
            work.clear()
        return work

    def finish(self, work: Work, expected: int | None) -> Outcome:
        """Put predictions and result in place, then forget the parts; ``expected``: how many
        pictures there are, where that is known."""
        with friendly_disk_errors(self.results):
            table, unreadable = work.finished(expected)
            if not table.num_rows:
                raise UserError("none of the pictures can be read; nothing to score")
            data = self.provenance.data.model_copy(update={"unreadable": unreadable})
            encoded = encode(table, self.provenance.model_copy(update={"data": data}))
            outcome = install(encoded, self.results)
            work.clear()
        return outcome


def job_of(classifier: Classifier, source: Source, results: Path, settings: Settings) -> Job:
    """The job of a classifier that has been placed; asks its network for the probe."""
    placement = placement_of(classifier, settings.placement)
    framing = framing_of(classifier.transform, settings.framing)
    member = Member(classifier, framing, placement, settings.keep_logits)
    provenance = Provenance(
        model=model_record(member),
        data=source.record,
        environment=environment(placement, classifier.spec),
        keep_logits=settings.keep_logits,
        skip_unreadable=settings.skip_unreadable,
        probe=probe(member),
    )
    return Job(member, provenance, results)
