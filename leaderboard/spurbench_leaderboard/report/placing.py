"""Files of ours, written together: all of them or none, and never in the place of another's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, whole_file
from spurbench.placing import check_file
from spurbench.reading import real


@dataclass(frozen=True)
class Target:
    """Where a file goes: the ``option`` that names it, the ``mark`` that stands in the first 4 KiB of
    one that we wrote."""

    kind: str
    option: str
    path: Path
    mark: str


def check_targets(targets: Sequence[Target]) -> None:
    """UserError unless all may be written there."""
    for target in targets:
        check_file(target.path, partial(_has, target.mark.encode()), target.option)
    places: dict[Path, Target] = {}
    for target in targets:
        before = places.setdefault(real(target.path), target)
        if before is not target:
            raise UserError(f"{before.option} and {target.option} name one file; name two")


def _has(mark: bytes, start: bytes) -> bool:
    return mark in start


def place(files: Sequence[tuple[Target, bytes]]) -> None:
    """Write all of them; where one cannot be written none is."""
    with ExitStack() as stack:
        for target, data in files:
            stack.enter_context(friendly_disk_errors(target.path))
            # The file itself, where the name is a link to it. All lie on the disk, aside, before the
            # first one is renamed into place.
            file = stack.enter_context(whole_file(real(target.path)))
            file.write(data)
            file.flush()
