"""Pictures that are there more than once: the same bytes, or the same pixels."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from .context import Split, SplitSeen
from .report import Finding

WIDTH = 16
"""Bytes that are kept of a digest."""


@dataclass
class Seen:
    """Digests of every picture of a data set: 32 bytes and an index for each, so that thousands of
    classes fit."""

    splits: list[Split] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    indices: array[int] = field(default_factory=lambda: array("q"))
    hashes: bytearray = field(default_factory=bytearray)
    pixels: bytearray = field(default_factory=bytearray)

    def add(self, seen: SplitSeen) -> None:
        """Take in a split's pictures that can be decoded."""
        self.splits.append(seen.split)
        self.starts.append(len(self.indices))
        for place, picture in enumerate(seen.pictures):
            if picture.sha256 is None or picture.pixels is None:
                continue
            self.indices.append(place if picture.index is None else picture.index)
            self.hashes += bytes.fromhex(picture.sha256)[:WIDTH]
            self.pixels += picture.pixels

    def duplicates(self) -> Iterator[Finding]:
        """A finding for every picture whose bytes or pixels were there before."""
        same_bytes = set()
        for group in _alike(self.hashes):
            same_bytes.add(tuple(group))
            yield from self._found(group, "the same bytes")
        for group in _alike(self.pixels):
            if tuple(group) not in same_bytes:
                yield from self._found(group, "the same pixels")

    def _found(self, group: Sequence[int], how: str) -> Iterator[Finding]:
        first = group[0]
        for other in group[1:]:
            one, two = self._split(first), self._split(other)
            what = f"{how} as {one.place(index=self.indices[first])}"
            yield Finding(_kind(one, two), two.place(index=self.indices[other]), what)

    def _split(self, number: int) -> Split:
        return self.splits[bisect_right(self.starts, number) - 1]


def _kind(one: Split, two: Split) -> str:
    """What it means that two splits, or one, have a picture in common."""
    kinds = {one.entry.kind, two.entry.kind}
    if (one.slug, one.name) == (two.slug, two.name):
        return "duplicate-split"
    if len(kinds) > 1:
        return "duplicate-kinds"
    # References may show the features of two classes: they show neither of the classes.
    if one.of.label != two.of.label and kinds != {"si"}:
        return "duplicate-classes"
    return "duplicate-shared"


def _alike(digests: bytearray) -> Iterator[list[int]]:
    """Places of digests that are there more than once, in order, by first place."""
    values = np.frombuffer(bytes(digests), dtype=np.uint64).reshape(-1, WIDTH // 8)  # (N, 2)
    if not len(values):
        return
    order = np.lexsort((values[:, 1], values[:, 0]))  # stable: places stay in order
    ordered = values[order]
    changes = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
    groups = [group.tolist() for group in np.split(order, changes) if len(group) > 1]
    yield from sorted(groups)
