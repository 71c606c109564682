"""Numbers as people write them, in options, lists and file names: plain digits, within bounds."""

from __future__ import annotations

import math
import re
from typing import Any

from .errors import UserError, short

MOST = 1_000_000_000
"""The largest number of pictures, steps or anything else that can be asked for."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][+-]?[0-9]{1,3})?", re.ASCII
)


def whole(text: str | int, what: str, least: int = 0, most: int = MOST) -> int:
    """The whole number that a text is; UserError naming ``what`` unless it is one from ``least`` to
    ``most``."""
    said = str(text).strip()
    if _WHOLE.fullmatch(said) and least <= int(said) <= most:
        return int(said)
    shown = short(text) if isinstance(text, str) else said
    raise UserError(f"{what} {shown}: give a whole number from {least:,} to {most:,}")


def number(text: str, what: str, least: float = 0.0, most: float = float(MOST)) -> float:
    """The number that a text is; UserError naming ``what`` unless it is one from ``least`` to
    ``most``."""
    said = text.strip()
    if _NUMBER.fullmatch(said):
        value = float(said)
        if math.isfinite(value) and least <= value <= most:
            return value
    raise UserError(f"{what} {short(text)}: give a number from {least:g} to {most:,g}")


def words(text: str) -> list[str]:
    """The words between commas, without the space around them."""
    return [word.strip() for word in text.split(",") if word.strip()]


def index(text: str, most: int) -> int | None:
    """The whole number from 0 to ``most`` that a text is, None where it is none."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text, re.ASCII) and int(text) <= most else None


def whole_option(flag: str, least: int, most: int, said: str, panel: str | None = None) -> Any:
    """A command's option that takes a whole number from ``least`` to ``most``."""
    import typer  # which who reads numbers from Python has no use for

    def parsed(text: str | int) -> int:
        return whole(text, flag, least, most)

    bounds = f" ({least:,} to {most:,})" if most < MOST else ""
    return typer.Option(
        flag, parser=parsed, metavar="N", help=f"{said}{bounds}", rich_help_panel=panel
    )
