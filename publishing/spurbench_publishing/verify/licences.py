"""Checks of whose a split's pictures are."""

from __future__ import annotations

from collections.abc import Iterator

from .context import SplitSeen
from .report import Finding


def licences(seen: SplitSeen, domain: str) -> Iterator[Finding]:
    """Licences of pictures that were taken from elsewhere: all of the domain imagenet that were not
    generated, and in any split those beside pictures that have one."""
    stated = [picture for picture in seen.pictures if picture.row.get("licence")]
    foreign = domain == "imagenet" and seen.split.entry.kind != "generated"
    if foreign or stated:
        without = [picture for picture in seen.pictures if not picture.row.get("licence")]
        if without and not stated:
            what = f"of all {len(without)} pictures"
            yield Finding("licence-missing", seen.split.place(), what)
        else:
            for picture in without:
                yield seen.finding("licence-missing", picture, "others of the split have one")
    for picture in stated:
        row = picture.row
        if _wants_attribution(row["licence"]) and not (row.get("author") and row.get("source_url")):
            lacking = [name for name in ("author", "source_url") if not row.get(name)]
            yield seen.finding(
                "licence-author", picture, f"{row['licence']}: no {', '.join(lacking)}"
            )


def _wants_attribution(licence: str) -> bool:
    """Whether a licence is one of Creative Commons that ask for attribution: names and addresses of
    them hold ``by``."""
    words = licence.lower().replace("-", " ").replace("/", " ").replace("_", " ").split()
    return "by" in words or "attribution" in words
