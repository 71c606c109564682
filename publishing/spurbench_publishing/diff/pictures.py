"""What became of the pictures of a split."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Pictures = Sequence[tuple[int, str]]
"""Index and SHA-256 of each picture, in order."""


@dataclass(frozen=True)
class PictureChanges:
    """Indices of pictures: ``added`` and ``gone`` with their SHA-256, ``changed`` at their place with
    that of before and after, ``moved`` from one index to another with that of both."""

    added: tuple[tuple[int, str], ...]
    gone: tuple[tuple[int, str], ...]
    changed: tuple[tuple[int, str, str], ...]
    moved: tuple[tuple[int, int, str], ...]

    def as_data(self) -> dict[str, Any]:
        """The changes as JSON has them."""
        return {
            "added": [{"index": i, "sha256": s} for i, s in self.added],
            "gone": [{"index": i, "sha256": s} for i, s in self.gone],
            "changed": [{"index": i, "before": b, "after": a} for i, b, a in self.changed],
            "moved": [{"before": b, "after": a, "sha256": s} for b, a, s in self.moved],
        }


def picture_changes(before: Pictures, after: Pictures) -> PictureChanges:
    """The changes from one list of pictures to another. A picture that is there under another index has
    moved; of those left over, two of one index are one that changed."""
    old, new = dict(before), dict(after)
    left = {i: sha256 for i, sha256 in old.items() if new.get(i) != sha256}
    come = {i: sha256 for i, sha256 in new.items() if old.get(i) != sha256}
    waiting: defaultdict[str, deque[int]] = defaultdict(deque)
    for i, sha256 in sorted(left.items()):
        waiting[sha256].append(i)
    moved = []
    for i, sha256 in sorted(come.items()):
        if waiting[sha256]:
            moved.append((waiting[sha256].popleft(), i, sha256))
    for start, end, _ in moved:
        del left[start], come[end]
    both = sorted(left.keys() & come.keys())
    return PictureChanges(
        tuple((i, come[i]) for i in sorted(come.keys() - left.keys())),
        tuple((i, left[i]) for i in sorted(left.keys() - come.keys())),
        tuple((i, left[i], come[i]) for i in both),
        tuple(sorted(moved)),
    )
