"""Builds divided by class over processes and machines, and put together again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spurbench.contracts import ClassCard
from spurbench.dataset.manifest import ClassEntry, Manifest, read_manifest
from spurbench.dataset.write import check_target, install_class
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, sha256_file


@dataclass(frozen=True)
class Shard:
    """Part ``index`` (from 1) of ``count``."""

    index: int
    count: int

    def of(self, cards: Sequence[ClassCard]) -> list[ClassCard]:
        """Every count-th class, so that the parts are of like length."""
        return list(cards[self.index - 1 :: self.count])


def parse_shard(text: str) -> Shard:
    """``2/4`` as a Shard; UserError unless 1 <= I <= N."""
    parts = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if parts:
        index, count = int(parts[1]), int(parts[2])
        if 1 <= index <= count:
            return Shard(index, count)
    raise UserError(f"--shard {text!r}: give I/N with I from 1 to N, such as 2/4")


def shard_folder(out: Path, shard: Shard) -> Path:
    """Where a shard's data set goes: beside the whole, since two machines cannot write one folder."""
    if shard.count == 1:
        return out
    return out.with_name(f"{out.name}.shard-{shard.index}-of-{shard.count}")


def merge_data_sets(folders: Sequence[Path], out: Path) -> Manifest:
    """Put every class of the folders into ``out``; the same bytes as one build of all of them.

    UserError, before anything is written, where a class comes twice with different bytes, the
    domains differ, or a file is not the one its manifest names.
    """
    with friendly_disk_errors(out):
        check_target(out)
    classes: dict[str, tuple[Path, ClassEntry]] = {}
    domains: dict[str, Path] = {}
    for folder in folders:
        manifest = read_manifest(folder)
        domains[manifest.domain] = folder
        for slug, entry in manifest.classes.items():
            _check_files(folder, entry)
            known = classes.setdefault(slug, (folder, entry))
            if known[1].splits != entry.splits:
                raise UserError(
                    f"class {slug!r} differs between {known[0]} and {folder}; leave one out"
                )
    if len(domains) != 1:
        raise UserError(f"data sets of different domains cannot be merged: {', '.join(domains)}")
    (domain,) = domains
    name = read_manifest(folders[0]).name
    with friendly_disk_errors(out):
        for slug, (folder, entry) in sorted(classes.items()):
            files = {name: folder / split.path for name, split in entry.splits.items()}
            merged = install_class(out, name, domain, slug, entry, files)
            _copy_contact_sheet(folder, out, slug)
    return merged


def _check_files(folder: Path, entry: ClassEntry) -> None:
    for split in entry.splits.values():
        path = folder / split.path
        if not path.is_file() or sha256_file(path) != split.sha256:
            raise UserError(f"{path}: is not the file that {folder}'s manifest names; rebuild it")


def _copy_contact_sheet(folder: Path, out: Path, slug: str) -> None:
    from spurbench.files import copy_file

    sheet = folder / "contact" / f"{slug}.png"
    if sheet.is_file():
        copy_file(sheet, out / "contact" / sheet.name)
