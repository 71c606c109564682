"""Texts in CSV that a spreadsheet would compute."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def inert(text: str) -> str:
    """The text, with a ' before one that begins like a formula: a spreadsheet takes that for the mark of a
    text. One that begins with ' gets another, so that taking one away gives every text back."""
    return f"'{text}" if text.startswith(FORMULA) else text
