"""What a classifier says of one picture: the row of a predictions file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spurbench.contracts import LabelSpace

if TYPE_CHECKING:
    from torch import Tensor

TOP = 5


@dataclass(frozen=True)
class Head:
    """One reading of the outputs. ``predicted`` is the top output's label in the domain (-1: none),
    ``top_labels`` those of the five most probable outputs, ``class_probability`` p(split's class)
    and ``class_log_odds`` log p/(1 - p) of it, which does not saturate as p does."""

    predicted: int
    predicted_name: str
    probability: float
    class_probability: float
    class_log_odds: float
    top_outputs: tuple[int, ...]
    top_labels: tuple[int, ...]
    top_probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Merged:
    """The reading in which every output that is a kind of a label counts as the label: the most
    probable label (-1: none), and the log odds of the split's class."""

    predicted: int
    class_log_odds: float


@dataclass(frozen=True)
class Answer:
    """The readings of one picture: over the full head, over the domain's labels only, and over the
    full head with kinds of a label merged into it (None where the head has none)."""

    full: Head
    restricted: Head
    merged: Merged | None = None
    logits: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Seen:
    """A picture that was scored, and what was said of it."""

    sha256: str
    slug: str
    class_name: str
    label: int
    split: str
    index: int
    origin: str
    answer: Answer

    @property
    def predicted(self) -> int:
        """The domain's label of the full head's top output; -1 for none."""
        return self.answer.full.predicted

    @property
    def class_probability(self) -> float:
        """The full head's p(split's class)."""
        return self.answer.full.class_probability


def answers(
    logits: Tensor, labels: Sequence[int], space: LabelSpace, *, keep_logits: bool = False
) -> list[Answer]:
    """Read logits (N, K) of pictures whose classes have the domain's ``labels`` (N,).

    Probabilities are softmax's over the outputs that the reading has. Every class needs an output of the label space. ``keep_logits`` keeps those of the domain's
    labels. Numbers are computed in float64 on the CPU.
    """
    import torch

    logits = logits.cpu().double()  # (N, K)
    every = tuple(range(len(space.names)))
    columns = space.domain_columns()
    full = _heads(logits, labels, space, every)
    if columns == every:
        part, restricted = logits, full
    else:
        part = logits[:, torch.tensor(columns)]  # (N, L), L labels of the domain
        restricted = _heads(part, labels, space, columns)
    merged = _merged(logits, labels, space)
    kept = [tuple(row) for row in part.tolist()] if keep_logits else [None] * len(labels)
    return [Answer(*parts) for parts in zip(full, restricted, merged, kept, strict=True)]


def _merged(logits: Tensor, labels: Sequence[int], space: LabelSpace) -> list[Merged | None]:
    """Logits (N, K) with the probabilities of each label's kinds added to its own."""
    import torch

    meant = space.merged_labels()
    if meant is None:
        return [None] * len(labels)
    groups = sorted(set(meant) - {-1})
    place = {label: i for i, label in enumerate(groups)}
    # An output that means no label stays alone, behind the labels' groups.
    alone = iter(range(len(groups), len(groups) + len(meant)))
    column = torch.tensor([place[m] if m != -1 else next(alone) for m in meant])  # (K,)
    highest = logits.max(dim=1, keepdim=True).values  # (N, 1)
    sums = torch.zeros(len(logits), int(column.max()) + 1, dtype=logits.dtype)  # (N, G)
    sums.index_add_(1, column, (logits - highest).exp())
    own = torch.tensor([place[label] for label in labels])[:, None]  # (N, 1)
    mine = column[None] == own  # (N, K)
    # From the logits again: of sums, what is far below the highest would be 0.
    inside, outside = (logits.masked_fill(~m, float("-inf")).logsumexp(1) for m in (mine, ~mine))
    odds = (inside - outside).tolist()
    best = sums.argmax(dim=1).tolist()
    return [
        Merged(groups[b] if b < len(groups) else -1, o) for b, o in zip(best, odds, strict=True)
    ]


def _heads(
    logits: Tensor, labels: Sequence[int], space: LabelSpace, outputs: Sequence[int]
) -> list[Head]:
    """Readings of logits (N, len(outputs)), whose columns are the label space's ``outputs``."""
    import torch

    place = {output: i for i, output in enumerate(outputs)}
    own = torch.tensor([place[_column(space, label)] for label in labels])[:, None]  # (N, 1)
    normaliser = logits.logsumexp(dim=1, keepdim=True)  # (N, 1)
    mine = logits.gather(1, own)  # (N, 1)
    # log p/(1 - p) is the own logit less the others' log sum: 1 - p, once p rounds to 1, would be 0.
    others = logits.scatter(1, own, float("-inf")).logsumexp(dim=1, keepdim=True)  # (N, 1)
    top = top_columns(logits, min(TOP, len(outputs)))  # (N, T)
    probabilities = (logits.gather(1, top) - normaliser).exp()  # (N, T)
    heads = []
    for ranked, shares, p, odds in zip(
        top.tolist(),
        probabilities.tolist(),
        (mine - normaliser).exp()[:, 0].tolist(),
        (mine - others)[:, 0].tolist(),
        strict=True,
    ):
        best = tuple(outputs[i] for i in ranked)
        meant = tuple(space.domain_label(o) for o in best)
        name = space.names[best[0]]
        heads.append(Head(meant[0], name, shares[0], p, odds, best, meant, tuple(shares)))
    return heads


def _column(space: LabelSpace, label: int) -> int:
    column = space.column(label)
    if column is None:
        raise ValueError(f"{space.name} has no output for label {label}")
    return column


def top_columns(values: Tensor, count: int) -> Tensor:
    """Columns of the ``count`` largest values of each row of (N, K), falling; of equal values the
    lower column comes first, as argmax has it."""
    import torch

    # Sorting 21,843 columns of every picture stably would do too, but takes far longer than topk,
    # which orders equal values as it likes; one value more than needed shows a tie at the end.
    shown = min(count + 1, values.shape[1])
    best = values.topk(shown, dim=1)  # (N, shown)
    order = torch.argsort(best.indices, dim=1)  # by column, then stably by value
    columns = best.indices.gather(1, order)  # (N, shown)
    falling = values.gather(1, columns).argsort(dim=1, descending=True, stable=True)
    top = columns.gather(1, falling)[:, :count]  # (N, count)
    if shown > count:  # topk may have taken any of the values that tie for the last place
        tied = best.values[:, count - 1] == best.values[:, count]  # (N,)
        if bool(tied.any()):
            top[tied] = values[tied].argsort(dim=1, descending=True, stable=True)[:, :count]
    return top
