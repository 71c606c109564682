"""Errors that are the user's to mend: one line that says what, where and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class UserError(Exception):
    """Shown without a traceback; the command ends with exit code 2."""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UserError:
    """An error for a name that is not among the known ones, with suggestions."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if close:
        way_out = "did you mean " + " or ".join(repr(n) for n in close) + "?"
    elif len(names) <= 15:
        way_out = "known: " + ", ".join(names)
    else:
        way_out = f"{len(names)} are known"
    return UserError(f"unknown {kind} {name!r}; {way_out}{' ' + hint if hint else ''}")


def validation_reason(error: ValidationError) -> str:
    """What pydantic found first, in one line: the field's place, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "top level"
    message = first["msg"].removeprefix("Value error, ")
    return " ".join(f"{where}: {message}".split())
