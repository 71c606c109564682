"""A class's numbers, split by split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spurbench.scores.statistics import wilson

from .facts import NEAR, Shown


@dataclass(frozen=True)
class Share:
    """So many ``hits`` of ``total``; nothing was asked where that is 0."""

    hits: int
    total: int

    @property
    def percent(self) -> str:
        """In %, or a dash."""
        return f"{100 * self.hits / self.total:.1f}" if self.total else "-"

    @property
    def interval(self) -> str:
        """Its 95 % interval by Wilson, in %; empty where nothing was asked."""
        if not self.total:
            return ""
        found = wilson(self.hits, self.total)
        return f"[{100 * found.low:.1f}, {100 * found.high:.1f}]"


@dataclass(frozen=True)
class SplitNumbers:
    """Of a split: how many pictures; the share that each panel member takes for the class, by its
    spec; the shares that fool all, show the object, are near copies, degenerate and flagged."""

    split: str
    pictures: int
    members: tuple[tuple[str, Share], ...]
    fools_all: Share
    object_found: Share
    near_copy: Share
    degenerate: Share
    flagged: Share


def numbers(split: str, pictures: Sequence[Shown], members: Sequence[str]) -> SplitNumbers:
    """The numbers of the pictures of a split; what is not known of one does not count for it."""
    said = [(each.member, each.fooled) for picture in pictures for each in picture.said]
    return SplitNumbers(
        split,
        len(pictures),
        tuple(
            (member, _share(fooled for name, fooled in said if name == member))
            for member in members
        ),
        _share(p.fools_all for p in pictures),
        _share(p.object_found for p in pictures),
        _share(None if p.distance is None else p.distance < NEAR for p in pictures),
        _share(p.degenerate for p in pictures),
        _share(p.flagged for p in pictures),
    )


def _share(answers: Iterable[bool | None]) -> Share:
    known = [answer for answer in answers if answer is not None]
    return Share(sum(known), len(known))
