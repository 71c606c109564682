"""Files of ours, written together: all of them or none, and never in the place of another's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, whole_file
from spurbench.reading import is_folder, opened, real


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
        _check(target)
    places: dict[Path, Target] = {}
    for target in targets:
        before = places.setdefault(real(target.path), target)
        if before is not target:
            raise UserError(f"{before.option} and {target.option} name one file; name two")


def _check(target: Target) -> None:
    path, option = target.path, target.option
    if is_folder(path):
        raise UserError(f"{path}: is a folder; name a file with {option}")
    if path.is_symlink() and not path.exists():
        raise UserError(f"{path}: is a link that leads nowhere; name another with {option}")
    if not path.exists():
        return
    with opened(path, most=None) as file:
        if target.mark.encode() not in file.read(4096):
            raise UserError(f"{path}: is there and is none of ours; name another with {option}")


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
