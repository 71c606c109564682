"""What a result that is right in itself still leaves open: reasons to list it without a rank."""

from __future__ import annotations

from collections.abc import Iterator

from spurbench.results import Result

FLOOR = 0.4
"""The least mean accuracy on validation pictures, over the domain's labels. Who names hardly any object
has few spurious answers too, and no claim to be better for it."""


def accuracy(result: Result) -> float | None:
    """Mean accuracy on validation pictures over the domain's labels; None without such pictures."""
    means = result.means.get("val")
    return None if means is None else (means.restricted or means).top1.value


def doubts(result: Result) -> Iterator[str]:
    """Reasons to list the result, and not to rank it."""
    found = accuracy(result)
    if found is not None and found < FLOOR:
        yield (
            f"accuracy on validation pictures is {100 * found:.1f} %, below {100 * FLOOR:.0f} %: it says "
            "little of any picture"
        )
    if result.data.selection:
        yield "only a part of the data set was scored"


def remarks(result: Result) -> Iterator[str]:
    """What a reader should know of a result that has its rank."""
    if accuracy(result) is None:
        yield "has no validation pictures: its accuracy is not known"
    if result.data.unreadable:
        yield f"leaves out {len(result.data.unreadable)} pictures as unreadable"
