"""Whether a data set can be written where it is wanted, before any work is done for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from spurbench.dataset.write import check_target
from spurbench.errors import UserError
from spurbench.reading import is_folder

MOST_BYTES = 200
"""Of a data set folder's name; file systems take 255."""


def check_writable(out: Path) -> None:
    """UserError unless the folder may hold a data set; OSError where it cannot be written to."""
    _check_name(out)
    check_target(out)
    if is_folder(out):
        with tempfile.TemporaryFile(dir=out):
            pass


def _check_name(out: Path) -> None:
    """The names of what lies beside the folder are longer than its own; and weights are not written
    under a name that is not UTF-8."""
    try:
        name = out.name.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{out}: the name is not UTF-8; name another folder with --out") from error
    if len(name) > MOST_BYTES:
        raise UserError(
            f"{out}: a name of {len(name)} bytes is too long (at most {MOST_BYTES}); name another "
            "folder with --out"
        )
