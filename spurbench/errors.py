"""Errors that are the user's to mend: one line that says what, where and the way out."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

SHOWN = 60
"""Characters of a wrong value that an answer shows."""


class UserError(Exception):
    """Shown without a traceback; the command ends with exit code 2."""


def short(text: object) -> str:
    """A wrong value as an answer shows it: quoted, and cut where it is long."""
    said = str(text)
    return repr(said) if len(said) <= SHOWN else f"{said[:SHOWN]!r}... ({len(said)} characters)"


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UserError:
    """An error for a name that is not among the known ones, with suggestions."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower()[:200], names, n=3, cutoff=0.5)
    if close:
        way_out = "did you mean " + " or ".join(repr(n) for n in close) + "?"
    elif len(names) <= 15:
        way_out = "known: " + ", ".join(names)
    else:
        way_out = f"{len(names)} are known"
    return UserError(f"unknown {kind} {short(name)}; {way_out}{' ' + hint if hint else ''}")


def validation_reason(error: ValidationError) -> str:
    """What pydantic found first, in one line: the field's place, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "top level"
    message = first["msg"].removeprefix("Value error, ")
    return " ".join(f"{where}: {message}".split())


def disk_reason(error: OSError) -> str:
    """What the system says of a file, in its words."""
    said = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    return said[:1].lower() + said[1:]


_NAMES = """EACCES EPERM EROFS ENOSPC EDQUOT EFBIG ENAMETOOLONG ELOOP ENOTDIR EISDIR EEXIST ENOTEMPTY
ENXIO ENODEV EMFILE ENFILE EIO ESTALE EBUSY ETXTBSY EMLINK EXDEV EOPNOTSUPP ENOTSUP"""
TO_MEND = {getattr(errno, name) for name in _NAMES.split() if hasattr(errno, name)}
"""What the system says of files, folders and disks that are a user's to mend."""


TOO_MANY = {errno.EMFILE, errno.ENFILE}


def to_mend(error: OSError) -> UserError | None:
    """The UserError that an error of the system's is, wherever it was met; None where it says nothing
    that a user could mend."""
    if error.errno not in TO_MEND:
        return None
    if error.errno in TOO_MANY:
        return UserError(f"{disk_reason(error)}; allow more (ulimit -n), then run the same again")
    place = f"{error.filename}: " if error.filename is not None else ""
    return UserError(f"{place}{disk_reason(error)}; mend that, or name another place")
