"""Scoring from Python: one classifier over pictures, or over a data set folder."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from spurbench.contracts import Classifier
from spurbench.dataset.read import DataSet, StoredPicture
from spurbench.errors import UserError
from spurbench.results import Result, Selection
from spurbench.scores.answers import Seen
from spurbench_evaluators.data.sources import from_data_set
from spurbench_evaluators.run.forward import Member
from spurbench_evaluators.run.framing import framing_of
from spurbench_evaluators.run.placement import choose, cores, place, placement_of
from spurbench_evaluators.run.runner import run
from spurbench_evaluators.run.session import evaluate_all
from spurbench_evaluators.run.settings import Settings


def score_pictures(
    classifier: Classifier,
    pictures: Iterable[StoredPicture],
    batch_size: int = 64,
    *,
    workers: int | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    framing: str = "model",
    keep_logits: bool = False,
) -> list[Seen]:
    """What the classifier says of every picture, in order; nothing is written."""
    placement = choose(device, dtype)
    place(classifier, placement)
    where = placement_of(classifier, placement)
    member = Member(classifier, framing_of(classifier.transform, framing), where, keep_logits)
    running = run([member], pictures, batch_size=batch_size, workers=workers or cores())
    with closing(running) as chunks:
        seen = [item for chunk in chunks for item in chunk.seen[0] or []]
    if not seen:
        raise UserError("the data set holds no pictures to score")
    return seen


def score_one(
    classifier: Classifier,
    data: DataSet,
    results: Path,
    batch_size: int = 64,
    *,
    quiet: bool = True,
    fresh: bool = False,
) -> Result:
    """Score one model on an opened data set, write predictions and result, and return the result;
    its table is shown unless ``quiet``."""
    settings = Settings(choose("cpu"), batch_size=batch_size, fresh=fresh)
    source = from_data_set(data, Selection())
    (outcome,) = evaluate_all([classifier], source, results, settings)
    if not quiet:
        from rich.console import Console

        from spurbench_evaluators.report.tables import score_table

        Console().print(score_table(outcome.result))
    return outcome.result
