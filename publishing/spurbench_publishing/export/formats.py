"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import imagefolder, table, webdataset
from .records import Chosen


@dataclass(frozen=True)
class Format:
    """A format: its name, what writes it, and in words what that is. ``write`` takes what was chosen
    and where it is to go, and gives the number of pictures; whole or not at all."""

    name: str
    write: Callable[[Chosen, Path], int]
    said: str


FORMATS = {
    each.name: each
    for each in (
        Format("csv", table.write, "a file of the columns"),
        Format("imagefolder", imagefolder.write, "torchvision's tree of pictures"),
        Format("webdataset", webdataset.write, "tar shards"),
    )
}
"""To add one: a module with a function like theirs, and a line here."""
