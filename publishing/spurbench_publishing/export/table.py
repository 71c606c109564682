"""CSV: a row a picture, all columns but the bytes."""

from __future__ import annotations

import io
from pathlib import Path

from spurbench.files import friendly_disk_errors, whole_file
from spurbench.placing import check_file
from spurbench.reading import real

from .records import Chosen, cells, header, members, write_csv

START = ",".join(header(())).encode()
"""How every table of ours begins; the columns of a panel follow."""


def write(chosen: Chosen, out: Path) -> int:
    """Write the table to a file; UserError where one is there that is none of ours."""
    check_file(out, is_ours)
    panel = members(chosen)
    count = 0
    with friendly_disk_errors(out), whole_file(real(out)) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        write_csv(text, [header(panel)])
        for slug, split, row in chosen.rows(data=False):
            write_csv(text, [cells(slug, split, row, panel)])
            count += 1
        text.flush()
        text.detach()
    return count


def is_ours(start: bytes) -> bool:
    """Whether a file begins as our tables do."""
    return start.startswith(START)
