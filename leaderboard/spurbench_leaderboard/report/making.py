"""A report from its files to its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spurbench.dataset.read import open_data_set

from . import latex as tex
from . import longform
from .gathered import gather
from .page import MARK, page
from .placing import Target, check_targets, place
from .scored import read_scored

LONGEST = 150
"""Characters of a page's name that is ours to choose."""


@dataclass(frozen=True)
class Written:
    """A file that was made: ``html``, ``latex`` or ``csv``."""

    kind: str
    path: Path
    size: int

    @property
    def words(self) -> str:
        """Its kind and size in a few words."""
        size = f"{self.size / 1e6:.1f} MB" if self.size >= 1e5 else f"{self.size / 1e3:.1f} kB"
        return f"{NAMES[self.kind]}, {size}"

    @property
    def as_data(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"kind": self.kind, "path": str(self.path), "bytes": self.size}


NAMES = {"html": "one page", "latex": "a table", "csv": "all numbers"}


def make_report(
    result: Path,
    out: Path | None = None,
    *,
    pictures: Path | None = None,
    against: Path | None = None,
    latex: Path | None = None,
    csv: Path | None = None,
) -> list[Written]:
    """The page of a result, at ``out`` or in the working folder, and what else is named.

    ``pictures`` is the folder of its data set, ``against`` the result that it is compared with.
    UserError for what cannot be read, compared or written: nothing is written then.
    """
    scored = read_scored(result)
    out = out or Path(f"{scored.result.slug[-LONGEST:]}.html")
    targets = [Target("html", "--out", out, f'<meta name="generator" content="{MARK}">')]
    if latex:
        targets.append(Target("latex", "--latex", latex, tex.MARK))
    if csv:
        targets.append(Target("csv", "--csv", csv, longform.MARK))
    check_targets(targets)  # before the work
    data = open_data_set(pictures) if pictures else None
    gathered = gather(scored, data, read_scored(against) if against else None)
    forms = {"html": page, "latex": tex.latex, "csv": longform.long_form}
    made = [(target, forms[target.kind](gathered).encode()) for target in targets]
    place(made)
    return [Written(target.kind, target.path, len(data)) for target, data in made]
