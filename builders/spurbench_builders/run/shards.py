"""Builds divided by class over processes and machines, and put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spurbench.contracts import ClassCard
from spurbench.dataset.card import SHEETS
from spurbench.dataset.manifest import NAME, ClassEntry, Manifest, read_manifest
from spurbench.dataset.read import open_data_set
from spurbench.dataset.write import check_target, put_class, writing
from spurbench.errors import UserError, short
from spurbench.files import friendly_disk_errors, remove_tree
from spurbench.numerals import MOST, index
from spurbench.reading import is_file


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
    first, _, last = text.strip().partition("/")
    part, count = index(first, MOST), index(last, MOST)
    if part is not None and count is not None and 1 <= part <= count:
        return Shard(part, count)
    raise UserError(f"--shard {short(text)}: give I/N with I from 1 to N, such as 2/4")


def shard_folder(out: Path, shard: Shard) -> Path:
    """Where a shard's data set goes: beside the whole, since two machines cannot write one folder."""
    if shard.count == 1:
        return out
    return out.with_name(f"{out.name}.shard-{shard.index}-of-{shard.count}")


def merge_data_sets(folders: Sequence[Path], out: Path, *, replace: bool = False) -> Manifest:
    """Put every class of the folders into ``out``; the same bytes as one build of all of them.

    UserError, before anything is written, where a class comes twice with different contents, ``out``
    has it with others (unless it is to be replaced), the domains differ, or a file is not what its
    manifest says.
    """
    classes: dict[str, tuple[Path, ClassEntry]] = {}
    domains: dict[str, Path] = {}
    for folder in folders:
        manifest = open_data_set(folder).manifest
        domains[manifest.domain] = folder
        for slug, entry in manifest.classes.items():
            known = classes.setdefault(slug, (folder, entry))
            if not _same(known[1], entry):
                raise UserError(
                    f"class {slug!r} differs between {known[0]} and {folder}; leave one out"
                )
    if len(domains) != 1:
        raise UserError(f"data sets of different domains cannot be merged: {', '.join(domains)}")
    (domain,) = domains
    title = read_manifest(folders[0]).name
    with friendly_disk_errors(out):
        check_target(out)
        with writing(out) as real, _whole(real):
            check_target(out)  # again: another process may have written there meanwhile
            there = _there(out, domain)
            _check_replaced(out, there, classes, replace=replace)
            for slug, (folder, entry) in sorted(classes.items()):
                if slug in there and _same(there[slug], entry):
                    continue
                files = {
                    split: [folder / file.path for file in found.files]
                    for split, found in entry.splits.items()
                }
                put_class(real, title, domain, slug, entry, files, _contact_sheet(folder, slug))
    return read_manifest(out)


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """A folder that is new is there with all of its classes, or not at all."""
    new = not folder.exists()
    try:
        yield
    except BaseException:
        if new:
            remove_tree(folder)
        raise


def _there(out: Path, domain: str) -> dict[str, ClassEntry]:
    """The classes that ``out`` holds already; UserError where they are of another domain."""
    if not is_file(out / NAME):
        return {}
    manifest = read_manifest(out)
    if manifest.domain != domain:
        raise UserError(
            f"{out}: holds the domain {manifest.domain!r}, not {domain!r}; "
            "name another folder with --out"
        )
    return manifest.classes


def _check_replaced(
    out: Path,
    there: dict[str, ClassEntry],
    classes: dict[str, tuple[Path, ClassEntry]],
    *,
    replace: bool,
) -> None:
    others = [
        slug for slug in there if slug in classes and not _same(there[slug], classes[slug][1])
    ]
    if others and not replace:
        raise UserError(
            f"{out}: holds {', '.join(others)} with other pictures; replace with --replace, or name "
            "another folder with --out"
        )


def _same(one: ClassEntry, other: ClassEntry) -> bool:
    """Whether two entries are of the same pictures, filed under the same names."""

    def told(entry: ClassEntry) -> tuple[object, ...]:
        contents = {name: split.content for name, split in entry.splits.items()}
        return entry.name, entry.label, entry.feature, contents

    return told(one) == told(other)


def _contact_sheet(folder: Path, slug: str) -> Path | None:
    sheet = folder / SHEETS / f"{slug}.png"
    return sheet if is_file(sheet) else None
