"""A scored model on disk: its result file, and the predictions it was computed from beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spurbench.errors import UserError
from spurbench.files import write_bytes
from spurbench.results import Result, read_result, write_result

from .predictions import Predictions, decode, read_predictions
from .summary import result_of


@dataclass(frozen=True)
class Outcome:
    """A scored model: its result, its predictions, the result's file (None where nothing was kept
    on the disk), and whether it was there before."""

    result: Result
    predictions: Predictions
    path: Path | None
    stored: bool

    @property
    def predictions_path(self) -> Path | None:
        """The predictions' file; None where nothing was kept."""
        return predictions_path(self.path, self.result) if self.path else None


def predictions_path(path: Path, result: Result) -> Path:
    """Where the per-picture predictions of a result file lie."""
    return path.with_name(f"{path.stem}.{result.predictions_sha256[:8]}.parquet")


def read_stored(path: Path) -> Outcome:
    """A result file and its predictions; UserError where either cannot be read, the predictions are
    not those that the result was computed from, or the result is not the one that they give."""
    result = read_result(path)
    beside = predictions_path(path, result)
    predictions = read_predictions(beside)
    if predictions.sha256 != result.predictions_sha256:
        raise UserError(f"{beside}: differs from what {path.name} records; score the model again")
    if result_of(predictions) != result.model_copy(update={"hosted": None}):
        raise UserError(
            f"{path}: is not what its predictions give (edited, or of another version of spurbench); "
            f"compute it again with `spurbench score {beside} --results DIR`"
        )
    return Outcome(result, predictions, path, stored=True)


def install(encoded: bytes, results: Path) -> Outcome:
    """Write a predictions file and the result that it gives below a results folder."""
    predictions = decode(encoded, "predictions")
    result = result_of(predictions)
    path = result.path_under(results)
    # The name holds the hash: whichever JSON is there, its predictions are beside it.
    kept = predictions_path(path, result)
    new = not kept.exists()
    write_bytes(kept, encoded)
    try:
        write_result(result, path)
    except BaseException:
        if new:  # predictions without a result are no one's
            kept.unlink()
        raise
    for stale in set(path.parent.glob(f"{path.stem}.*.parquet")) - {kept}:
        stale.unlink()
    return Outcome(result, predictions, path, stored=False)
