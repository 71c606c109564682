"""Whether a data set can be written where it is wanted, before any work is done for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from spurbench.dataset.write import check_target
from spurbench.errors import UserError
from spurbench.reading import is_folder


def check_writable(out: Path) -> None:
    """UserError unless the folder may hold a data set; OSError where it cannot be written to."""
    if out.is_symlink() and not out.exists():
        raise UserError(f"{out}: is a link that leads nowhere; name another folder with --out")
    check_target(out)
    if is_folder(out):
        with tempfile.TemporaryFile(dir=out):
            pass
