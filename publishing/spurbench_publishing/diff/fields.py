"""Values that differ within nested mappings and lists, by their paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "(none)"})()
"""Stands where one side has no such field."""


@dataclass(frozen=True)
class Change:
    """A field's value before and after, ``ABSENT`` where there is none; ``path`` leads to it, such as
    ``recipe.panel[0]``."""

    path: str
    before: Any
    after: Any

    def as_data(self) -> dict[str, Any]:
        """The change as JSON has it; a side that has no such field is left out."""
        sides = {"before": self.before, "after": self.after}
        there = {name: value for name, value in sides.items() if value is not ABSENT}
        return {"path": self.path, **there}


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Every innermost value that differs, by path; a field that only one side has is one change,
    however much is in it."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            inner = f"{path}.{key}" if path else str(key)
            yield from changes(before.get(key, ABSENT), after.get(key, ABSENT), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for i in range(max(len(before), len(after))):
            old, new = (side[i] if i < len(side) else ABSENT for side in (before, after))
            yield from changes(old, new, f"{path}[{i}]")
    elif type(before) is not type(after) or before != after:
        yield Change(path, before, after)
