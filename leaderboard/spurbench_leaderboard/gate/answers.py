"""Whether a model's answers can be those of one network: what a row says twice, it says alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from spurbench.results import ModelRecord
from spurbench.scores.answers import TOP
from spurbench.scores.layout import all_null
from spurbench.scores.predictions import Predictions

ROUNDING = 2e-3
"""Top probabilities are kept in half precision."""
Rows = NDArray[np.bool_]


def faults(predictions: Predictions, model: ModelRecord) -> Iterator[str]:
    """What no network's answers can be, with how many rows say it."""
    table = predictions.table
    outputs, labels, shares = (
        _square(table[name].to_pylist())
        for name in ("top_outputs", "top_labels", "top_probabilities")
    )
    restricted = _square(table["restricted_top_labels"].to_pylist())
    if outputs is None or labels is None or shares is None or restricted is None:
        yield f"rows differ in how many outputs they name, or name none, or more than {TOP}"
        return
    if not outputs.shape == labels.shape == shares.shape:
        yield "rows name as many outputs, labels and probabilities only in part"
        return
    checks: dict[str, Callable[[], Rows]] = {
        "name outputs that the head does not have": lambda: _beyond(outputs, model.outputs),
        "name an output twice": lambda: (np.diff(np.sort(outputs), axis=1) == 0).any(axis=1),
        "have top probabilities that no softmax gives": lambda: _no_shares(shares),
        "predict another label than their first": lambda: (
            (table["predicted"].to_numpy() != labels[:, 0])
            | (table["restricted_predicted"].to_numpy() != restricted[:, 0])
        ),
        "give the class another probability than their top outputs": lambda: _odd(
            predictions, labels, shares
        ),
        "predict the class against its log odds": lambda: _against(predictions, model.outputs),
        "make the class less probable among fewer outputs": lambda: _shrunk(predictions),
    }
    for said, check in checks.items():
        count = int(check().sum())
        if count:
            yield f"{count} of {table.num_rows} rows {said}"


def _square(lists: list[list[float]]) -> NDArray[np.float64] | None:
    """Lists (N, T) of one length T from 1 to TOP; None where they are none."""
    lengths = {len(row) for row in lists}
    if len(lengths) != 1 or not lengths <= set(range(1, TOP + 1)):
        return None
    return np.array(lists, dtype=np.float64)


def _column(predictions: Predictions, name: str) -> NDArray[np.float64]:
    return np.asarray(predictions.table[name].to_numpy(), dtype=np.float64)


def _probability(predictions: Predictions, name: str) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(_column(predictions, name)))


def _beyond(outputs: NDArray[np.float64], count: int | None) -> Rows:
    return np.asarray(np.any((outputs < 0) | (outputs >= (count or np.inf)), axis=1))


def _no_shares(shares: NDArray[np.float64]) -> Rows:
    outside = np.any((shares < 0) | (shares > 1 + ROUNDING), axis=1)
    rising = np.any(np.diff(shares, axis=1) > 0, axis=1)
    return np.asarray(outside | rising | (shares.sum(axis=1) > 1 + TOP * ROUNDING))


def _odd(
    predictions: Predictions, labels: NDArray[np.float64], shares: NDArray[np.float64]
) -> Rows:
    """Rows whose class has a probability beside that of its output, or above one that is ahead."""
    own = labels == _column(predictions, "label")[:, None]  # (N, T)
    p = _probability(predictions, "class_log_odds")
    beside = (own & (np.abs(shares - p[:, None]) > ROUNDING)).any(axis=1)
    return np.asarray(beside | (~own.any(axis=1) & (p > shares[:, -1] + ROUNDING)))


def _against(predictions: Predictions, outputs: int | None) -> Rows:
    """Rows whose answer, over the domain's labels, is the class though it has less than an equal share,
    or is another though the class has more than half."""
    share = 1 / outputs if outputs else 0.0
    hit = _column(predictions, "restricted_predicted") == _column(predictions, "label")
    p = _probability(predictions, "restricted_class_log_odds")
    return np.asarray((~hit & (p > 0.5 + ROUNDING)) | (hit & (p < share - ROUNDING)))


def _shrunk(predictions: Predictions) -> Rows:
    """Rows whose class is less probable over the domain's labels, or with its kinds, than alone over
    all outputs."""
    whole = _probability(predictions, "class_log_odds") - ROUNDING
    fewer = _probability(predictions, "restricted_class_log_odds") < whole
    if all_null(predictions.table["merged_predicted"]):
        return fewer
    return fewer | (_probability(predictions, "merged_class_log_odds") < whole)
