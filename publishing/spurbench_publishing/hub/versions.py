"""Versions of a published data set: what their tags may be called, and which comes next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from spurbench.errors import UserError, short

NAME = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._-]{0,62}[0-9A-Za-z_-])?")
NUMBERED = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})")
COMMIT = re.compile("[0-9a-f]{7,40}")
FIRST = "1.0.0"

Contents = Mapping[str, Mapping[str, str]]
"""Content hashes of a data set's splits, by slug and split."""


def check_version(version: str) -> None:
    """UserError unless a tag may be called so and is not taken for a commit."""
    if not NAME.fullmatch(version) or ".." in version or version.endswith(".lock"):
        raise UserError(
            f"--version {short(version)}: is no name for a tag; give one such as 1.1.0 (letters, "
            "digits, `.`, `_` and `-`)"
        )
    if COMMIT.fullmatch(version):
        raise UserError(f"--version {short(version)}: looks like a commit; give one such as 1.1.0")


def highest(tags: Iterable[str]) -> str | None:
    """The tag of the highest numbered version; None where there is none."""
    numbered = [tag for tag in tags if NUMBERED.fullmatch(tag)]
    return max(numbered, key=_numbers, default=None)


def following(tag: str | None, before: Contents, now: Contents) -> str:
    """The version after ``tag``'s: its first number grows where pictures that were there are others
    or gone, so that scores cannot be compared; the second where some came; else the third."""
    if tag is None:
        return FIRST
    major, minor, patch = _numbers(tag)
    splits = {(slug, name): content for slug, s in before.items() for name, content in s.items()}
    found = {(slug, name): content for slug, s in now.items() for name, content in s.items()}
    if any(found.get(split) != content for split, content in splits.items()):
        numbers = (major + 1, 0, 0)
    elif found.keys() > splits.keys():
        numbers = (major, minor + 1, 0)
    else:
        numbers = (major, minor, patch + 1)
    return ("v" if tag.startswith("v") else "") + ".".join(map(str, numbers))


def _numbers(tag: str) -> tuple[int, int, int]:
    found = NUMBERED.fullmatch(tag)
    assert found is not None
    return int(found[1]), int(found[2]), int(found[3])
