"""Checks of what is said of the pictures elsewhere: croissant.json, and the splits' summaries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spurbench.dataset.croissant import CROISSANT, croissant
from spurbench.dataset.manifest import Manifest
from spurbench.dataset.summary import summarised
from spurbench.errors import UserError
from spurbench.reading import is_file, read_json

from .context import SplitSeen
from .report import Finding, Place

PLACE = Place(file=CROISSANT)


def described(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Whether Croissant's description, where there is one, is of the manifest's files."""
    try:
        if not is_file(folder / CROISSANT):
            return
        found = read_json(folder / CROISSANT)
    except UserError as error:
        yield Finding("croissant-unreadable", PLACE, str(error))
        return
    said = croissant(manifest)
    if not isinstance(found, dict):
        yield Finding("croissant-unreadable", PLACE, "it is no object")
        return
    if found.get("description") != said["description"]:
        yield Finding("croissant-stale", PLACE, "its description has another content hash")
    if found.get("recordSet") != said["recordSet"]:
        yield Finding("croissant-stale", PLACE, "its record sets are others")
    yield from _files(_by_id(found), _by_id(said))


def _by_id(description: dict[str, Any]) -> dict[str, Any]:
    listed = description.get("distribution")
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    return {entry["@id"]: entry for entry in entries if isinstance(entry.get("@id"), str)}


def _files(found: dict[str, Any], said: dict[str, Any]) -> Iterator[Finding]:
    for name in sorted(found.keys() | said.keys()):
        if found.get(name) != said.get(name):
            what = "missing" if name not in found else "of none" if name not in said else "another"
            yield Finding("croissant-stale", PLACE, f"the file {name[:100]} is {what}")


def summary(seen: SplitSeen) -> Iterator[Finding]:
    """Whether a split's summary, where it has one, is that of its rows."""
    stored = seen.split.entry.summary
    found = summarised(picture.row for picture in seen.pictures)
    if stored is None:
        return
    for name in type(found).model_fields:
        if getattr(stored, name) != getattr(found, name):
            what = f"{name} is {getattr(stored, name)}, not {getattr(found, name)}"
            yield Finding("summary", seen.split.place(), what)
