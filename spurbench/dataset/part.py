"""A part of a data set on the hub: no more is fetched than what is asked for, and that is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from glob import escape
from pathlib import Path

from spurbench.reading import read_json

from .hub import PICTURES, commit_of, snapshot, split_id
from .manifest import NAME, FileEntry, SplitEntry, read_manifest
from .read import DataSet, check_split, open_data_set

Groups = Sequence[tuple[str, str]]
"""Classes' slugs and names of their splits."""


def open_part(
    text: str,
    revision: str | None,
    chosen: Callable[[DataSet], Groups],
    limit: int | None = None,
    *,
    sheets: bool = False,
) -> DataSet:
    """Open a data set on the hub of which only the ``chosen`` classes and splits are to be read, and
    of each the first ``limit`` pictures: of a split of several files as many as hold those. The classes'
    contact sheets come too where ``sheets`` asks for them.

    ``chosen`` is asked when the manifest is there and no file of pictures is. What is fetched is
    compared with the manifest as `open_data_set` does; of a split that is not fetched whole, the
    files' hashes, labels and indices. Reading more of it than was chosen raises UserError, and so
    does what cannot be had or is no data set of ours.
    """
    told = snapshot(text, revision, [NAME])
    commit = commit_of(told)
    exact = (text, revision) if commit is None else (split_id(text)[0], commit)
    if _is_version_1(told):  # whose manifest says what a split holds only together with its files
        return open_data_set(snapshot(*exact, PICTURES))
    whole = DataSet(told, read_manifest(told))
    groups = list(chosen(whole))
    entries = whole.manifest.classes
    needed = {
        (slug, split): files_for(entries[slug].splits[split], limit) for slug, split in groups
    }
    paths = sorted({file.path for files in needed.values() for file in files})
    if sheets:
        paths += sorted({f"contact/{slug}.png" for slug, _ in groups})
    folder = snapshot(*exact, [NAME, *map(escape, paths)])
    for (slug, split), files in needed.items():
        check_split(folder, slug, entries[slug], split, files)
    return DataSet(folder, whole.manifest)


def files_for(split: SplitEntry, limit: int | None) -> list[FileEntry]:
    """The files of a split that hold its first ``limit`` pictures; all where it is None."""
    found: list[FileEntry] = []
    for file in split.files:
        if limit is not None and sum(f.pictures for f in found) >= limit:
            break
        found.append(file)
    return found


def _is_version_1(folder: Path) -> bool:
    data = read_json(folder / NAME, "a spurbench manifest")
    return isinstance(data, dict) and data.get("schema_version") == 1
