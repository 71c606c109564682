"""What the texts and numbers of a submitted file may be, whatever field they stand in."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from spurbench.errors import short

LONGEST = 500
LARGEST = 1e15
SPEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:@+=,-]*")
"""A model's spec: plain ASCII, so that no letter can be taken for another."""


def faults(value: Any, where: str = "") -> Iterator[str]:
    """What is wrong with the texts and numbers in a JSON value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            said = fault(key)
            if said:
                yield f"{where or 'top level'}: a key {said}"
            yield from faults(inner, f"{where}.{key[:LONGEST]}".lstrip("."))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from faults(inner, f"{where}.{i}")
    else:
        said = fault(value)
        if said:
            yield f"{where}: {said}"


def fault(value: Any) -> str:
    """What is wrong with a text or number; empty where nothing is."""
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            return f"{value} is no number"
        if abs(value) > LARGEST:
            return f"a number as large as {float(value):g}" if abs(value) < 1e300 else "too large"
    return ""


def _of_text(text: str) -> str:
    if len(text) > LONGEST:
        return f"a text of {len(text)} characters; it can have {LONGEST}"
    if not text.isprintable():
        return f"{short(text)} has characters that do not show"
    if unicodedata.normalize("NFKC", text) != text:
        return f"{short(text)} has characters that stand for others; write it in NFKC"
    return ""
