"""A data set folder made aside, of files that lie elsewhere, that then takes its place."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from spurbench.dataset.croissant import CROISSANT
from spurbench.dataset.manifest import NAME, ClassEntry, Manifest, write_manifest
from spurbench.dataset.schema import split_file
from spurbench.dataset.write import write_about
from spurbench.errors import UserError
from spurbench.files import copy_file, remove_tree, sync, write_text
from spurbench.reading import is_file, is_folder, members, read_json

from .plan import CARD
from .versions import Contents

RECORD = ".pulled.json"
"""In the folder, beside the data set: which of its classes were pulled, and from where."""
OURS = (CARD, CROISSANT, NAME, RECORD, "contact", "data")


@dataclass(frozen=True)
class Pulled:
    """From where classes were pulled, and what they held then."""

    name: str
    version: str | None
    commit: str | None
    classes: Contents


def came_from_pull(folder: Path, name: str) -> Contents:
    """What classes of a folder held when they were pulled from the data set ``name``; empty where
    that is not known."""
    if not is_file(folder / RECORD):
        return {}
    try:
        told = read_json(folder / RECORD)
    except UserError:
        return {}  # then they count as somebody's own, and are not replaced
    if not isinstance(told, dict) or told.get("name") != name:
        return {}
    classes = told.get("classes")
    return classes if isinstance(classes, dict) else {}


def install(
    place: Path, manifest: Manifest, fetched: Path, slugs: set[str], pulled: Pulled
) -> Manifest:
    """Make ``place`` the folder of ``manifest``: the classes ``slugs`` from the folder ``fetched``, the
    others and what else lies there from ``place`` itself. Whoever calls it is ``writing`` there."""
    aside = place.with_name(f".{place.name}.part")
    before = place.with_name(f".{place.name}.before")
    settle(place)
    try:
        aside.mkdir(parents=True)
        classes = {
            slug: _class(entry, slug, fetched, aside, link=False)
            if slug in slugs
            else _class(entry, slug, place, aside, link=True)
            for slug, entry in manifest.classes.items()
        }
        manifest = manifest.model_copy(update={"classes": classes})
        write_about(aside, manifest)
        write_manifest(aside, manifest)
        write_text(aside / RECORD, json.dumps(asdict(pulled), indent=1, sort_keys=True) + "\n")
        sync(aside)
    except BaseException:
        remove_tree(aside)
        raise
    if is_folder(place):
        shutil.copymode(place, aside)
        place.rename(before)
    aside.rename(place)
    settle(place)
    return manifest


def settle(place: Path) -> None:
    """Finish or clear away what a killed call left; whoever calls it is ``writing`` there."""
    before = place.with_name(f".{place.name}.before")
    if is_folder(before):
        if not is_folder(place):
            before.rename(place)
        else:
            for path in members(before):
                if path.name not in OURS and not (place / path.name).exists():
                    path.rename(place / path.name)
            remove_tree(before)
    remove_tree(place.with_name(f".{place.name}.part"))


def _class(entry: ClassEntry, slug: str, source: Path, target: Path, *, link: bool) -> ClassEntry:
    """The class's files under the names that they have in a data set folder, whatever they were."""
    splits = {}
    for name, split in entry.splits.items():
        files = []
        for i, file in enumerate(split.files):
            path = f"data/{slug}/{split_file(name, i, len(split.files))}"
            _put(source / file.path, target / path, link=link)
            files.append(file.model_copy(update={"path": path}))
        splits[name] = split.model_copy(update={"files": files})
    sheet = f"contact/{slug}.png"
    if is_file(source / sheet):
        _put(source / sheet, target / sheet, link=link)
    return entry.model_copy(update={"splits": splits})


def _put(source: Path, target: Path, *, link: bool) -> None:
    """Files of the cache are copied, so that nothing that is done to a data set reaches the cache."""
    if link:
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # such as a link to elsewhere, or a file system without links
            os.link(source, target, follow_symlinks=False)
            return
    copy_file(source, target)
