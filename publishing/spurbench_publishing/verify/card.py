"""Checks of README.md: its configs decide what `load_dataset` reads, and serves from its cache."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spurbench.dataset.card import card_head
from spurbench.dataset.manifest import Manifest
from spurbench.errors import UserError
from spurbench.reading import is_file, read_text

from .report import Finding, Place

NAME = "README.md"
HEAD = re.compile(r"---\r?\n(.*?)\r?\n---(\r?\n|$)", re.DOTALL)
PLACE = Place(file=NAME)
MOST = 1 << 22
"""Bytes of a card: one of a thousand classes has less than a million."""


def card(folder: Path, manifest: Manifest, *, older: bool) -> Iterator[Finding]:
    """The card's configs, files and hashes against the manifest; ``older``: it was written by a version
    whose hashes are others."""
    try:
        if not is_file(folder / NAME):
            yield Finding("card-missing", PLACE, "no such file")
            return
        head = _head(read_text(folder / NAME, MOST))
    except (UserError, ValueError) as error:
        yield Finding("card-unreadable", PLACE, str(error))
        return
    said = card_head(manifest)
    yield from _configs(_named(head, "configs"), _named(said, "configs"))
    if older:
        yield Finding("card-older", PLACE, "version 1")
    else:
        yield from _contents(_named(head, "dataset_info"), _named(said, "dataset_info"))


def _head(text: str) -> dict[str, Any]:
    """The YAML before a card's text; ValueError where there is none."""
    import yaml

    found = HEAD.match(text)
    if not found:
        raise ValueError("it does not begin with ---")
    try:
        # The pure loader: libyaml's ends the process for what is nested very deeply.
        head = yaml.safe_load(found[1])
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())[:160]) from error
    return head if isinstance(head, dict) else {}


def _named(head: dict[str, Any], field: str) -> dict[str, dict[str, Any]]:
    """The entries of a list of configs by their names."""
    entries = head.get(field)
    found = (
        [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    )
    return {_text(entry, "config_name"): entry for entry in found}


def _text(entry: dict[str, Any], field: str) -> str:
    """A field that is to be text; what aliases make of a small card may be too large to print."""
    value = entry.get(field)
    return value if isinstance(value, str) else ""


def _configs(found: dict[str, Any], said: dict[str, Any]) -> Iterator[Finding]:
    for name in sorted(said.keys() | found.keys()):
        if name not in found:
            yield Finding("card-config", _place(name), f"the config {name!r} is missing")
        elif name not in said:
            yield Finding("card-config", PLACE, f"the config {name[:60]!r} is of no class")
        elif _files(found[name]) != _files(said[name]):
            yield Finding("card-config", _place(name), f"the config {name!r} has other data_files")
        elif bool(found[name].get("default")) != bool(said[name].get("default")):
            yield Finding("card-config", _place(name), "`default` stands with another config")


def _place(config: str) -> Place:
    return PLACE if config == "default" else Place(config, file=NAME)


def _files(config: dict[str, Any]) -> Any:
    """A config's files by split, in whatever order."""
    files = config.get("data_files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        return None
    return sorted((_text(file, "split"), _text(file, "path")) for file in files)


def _contents(found: dict[str, Any], said: dict[str, Any]) -> Iterator[Finding]:
    for name, entry in said.items():
        stored = _text(found.get(name, {}), "description")
        if stored != entry["description"]:
            what = f"config {name!r}: {stored[:24]!r}, not {entry['description'][:24]!r}"
            yield Finding("card-stale", _place(name), what)
