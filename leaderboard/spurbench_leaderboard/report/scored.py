"""A result that is reported on: its file, and its predictions where they lie beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.reading import is_file, read_bytes
from spurbench.results import Result, read_result
from spurbench.scores.predictions import Predictions, decode
from spurbench.scores.stored import predictions_path, read_stored
from spurbench.scores.summary import result_of

VALIDATION = "val"
"""The split that shows the class itself; of every other one no picture does."""


def in_order(split: str) -> tuple[bool, bool, str]:
    """A key that orders splits: references, then others by name, validation last."""
    return split == VALIDATION, split != "si", split


@dataclass(frozen=True)
class Scored:
    """A result, and its predictions; where there are none, ``lacking`` says why and the way out."""

    path: Path
    result: Result
    predictions: Predictions | None
    lacking: str = ""


def read_scored(path: Path) -> Scored:
    """A result file and what lies beside it; UserError where either cannot be read, or the one is not
    what the other gives."""
    result = read_result(path)
    beside = predictions_path(path, result)
    if not is_file(beside):
        return Scored(path, result, None, _where(result, beside.name))
    if result.prevalence is not None:  # of version 3, which can be computed again
        found = read_stored(path)
        return Scored(path, found.result, found.predictions)
    return _older(path, result, beside)


def _where(result: Result, name: str) -> str:
    hosted = result.hosted
    if hosted:
        return (
            f"its predictions lie in {hosted.repo_id} on the Hugging Face hub, commit {hosted.revision}, as "
            f"{hosted.path}; put that file beside the result as {name}"
        )
    return f"its predictions, {name}, do not lie beside the result"


def _older(path: Path, result: Result, beside: Path) -> Scored:
    """Of versions 1 and 2: the numbers as they are, since some were computed otherwise then."""
    encoded = read_bytes(beside)
    if sha256_bytes(encoded) != result.predictions_sha256:
        raise UserError(f"{beside}: differs from what {path.name} records; score the model again")
    try:
        predictions = decode(encoded, str(beside))
    except UserError:
        said = f"its predictions, {beside.name}, are of a version that is read no more; score the model again"
        return Scored(path, result, None, said)
    if _hits(result_of(predictions)) != _hits(result):
        raise UserError(f"{path}: is not what its predictions give; score the model again")
    return Scored(path, result, predictions)


def _hits(result: Result) -> dict[tuple[str, str], tuple[int, int]]:
    return {(score.slug, score.split): (score.hits, score.n) for score in result.scores}
