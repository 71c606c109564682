"""Takes classes of a published data set into a folder, from where they load without a network.

Files come through the hub's cache, where a download that was cut off goes on. The folder is made
aside, whole, and then takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spurbench.dataset.hub import commit_of, is_hub_id, split_id
from spurbench.dataset.manifest import NAME, ClassEntry, Manifest, read_manifest
from spurbench.dataset.part import open_part
from spurbench.dataset.read import DataSet
from spurbench.dataset.write import check_target, writing
from spurbench.errors import UserError, short
from spurbench.files import friendly_disk_errors
from spurbench.reading import is_file

from .errors import hub_errors
from .install import Pulled, came_from_pull, install, settle
from .versions import Contents


@dataclass(frozen=True)
class Wanted:
    """What to pull: ``version`` None is what the main branch holds; ``classes`` None are all."""

    name: str
    version: str | None
    classes: tuple[str, ...] | None
    out: Path


@dataclass(frozen=True)
class Ended:
    """What the folder holds now: of its classes those that were pulled, and what else lies there."""

    manifest: Manifest
    commit: str | None
    pulled: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def pull(wanted: Wanted) -> Ended:
    """Put the classes into the folder, whole or not at all.

    Classes of the folder that have the slug of one that is pulled, or that came from the same data set
    and are in it no more, are replaced. UserError where those are not as they were pulled, the folder
    is not a data set of ours, or what is wanted cannot be had.
    """
    if not is_hub_id(wanted.name):
        raise UserError(
            f"{short(wanted.name)}: is no name of a data set on the hub; give OWNER/NAME[@VERSION]"
        )
    if "@" in wanted.name and wanted.version is not None:
        raise UserError(f"{wanted.name} and --version both name a version; use one of them")
    check_target(wanted.out)
    data, slugs = _fetched(wanted)
    with friendly_disk_errors(wanted.out), writing(wanted.out, wait=False) as place:
        settle(place)
        check_target(place)
        before = read_manifest(place) if is_file(place / NAME) else None
        return _installed(wanted, data, slugs, place, before)


def _fetched(wanted: Wanted) -> tuple[DataSet, list[str]]:
    slugs: list[str] = []

    def chosen(data: DataSet) -> list[tuple[str, str]]:
        groups = data.groups(list(wanted.classes) if wanted.classes is not None else None)
        slugs.extend(dict.fromkeys(slug for slug, _ in groups))
        return groups

    with hub_errors(wanted.name):
        data = open_part(wanted.name, wanted.version, chosen, sheets=True)
    if not slugs:  # version 1 is opened whole, without being asked for a part
        slugs = list(dict.fromkeys(slug for slug, _ in chosen(data)))
    return data, slugs


def _installed(
    wanted: Wanted, data: DataSet, slugs: list[str], place: Path, before: Manifest | None
) -> Ended:
    name, version = split_id(wanted.name, wanted.version)
    fetched = {slug: data.manifest.classes[slug] for slug in slugs}
    old = dict(before.classes) if before else {}
    if before is not None and before.domain != data.manifest.domain:
        raise UserError(
            f"{wanted.out}: holds the domain {before.domain!r}, not {data.manifest.domain!r}; name "
            "another folder with --out"
        )
    known = came_from_pull(place, name)
    every = wanted.classes is None
    gone = [s for s in old if every and s in known and s not in data.manifest.classes]
    _check_replaced(wanted, old, [*gone, *(s for s in slugs if s in old)], known, fetched)
    kept = {slug: entry for slug, entry in old.items() if slug not in {*gone, *slugs}}
    entries = dict(sorted((kept | fetched).items()))
    manifest = (before if kept and before else data.manifest).model_copy(
        update={"classes": entries}
    )
    record = {slug: known[slug] for slug in kept if slug in known} | contents(fetched)
    pulled = Pulled(name, version, commit_of(data.folder), record)
    made = install(place, manifest, data.folder, set(slugs), pulled)
    return Ended(made, pulled.commit, tuple(slugs), tuple(kept), tuple(gone))


def _check_replaced(
    wanted: Wanted,
    old: Mapping[str, ClassEntry],
    slugs: list[str],
    known: Contents,
    fetched: Mapping[str, ClassEntry],
) -> None:
    """UserError where a class would go that was not pulled: it may be nowhere else."""
    there, new = contents(old), contents(fetched)
    for slug in slugs:
        if there[slug] not in (known.get(slug), new.get(slug)):
            raise UserError(
                f"{wanted.out}: its class {slug} was not pulled from {split_id(wanted.name)[0]} and "
                "would be lost; name another folder with --out, or move it away"
            )


def contents(classes: Mapping[str, ClassEntry]) -> dict[str, dict[str, str]]:
    """Content hashes of classes' splits, by slug and split."""
    return {
        slug: {split: part.content for split, part in entry.splits.items()}
        for slug, entry in classes.items()
    }
