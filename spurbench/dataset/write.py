"""Writes splits and data set folders; a folder only ever holds finished splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from spurbench.errors import UserError
from spurbench.files import copy_file, sha256_file, write_text
from spurbench.locks import held
from spurbench.reading import is_file, is_folder, members, real

from .card import SHEETS, dataset_card
from .content import content_of, read_rows
from .croissant import CROISSANT, croissant_text
from .manifest import (
    NAME,
    ClassEntry,
    FileEntry,
    Manifest,
    SplitEntry,
    read_manifest,
    write_manifest,
)
from .schema import Row, features, split_file
from .summary import summary_of


def write_split(rows: Iterable[Row], path: Path) -> None:
    """Write rows as one parquet file with the images' bytes embedded."""
    from datasets import Dataset
    from datasets.utils.logging import disable_progress_bar

    disable_progress_bar()
    columns = [row.as_columns() for row in rows]
    if not columns:
        raise UserError(f"{path.name}: a split needs at least one picture")
    # As a whole path: fsspec takes one that begins with ~ for somebody's home.
    Dataset.from_list(columns, features=features()).to_parquet(path.absolute())


def check_target(folder: Path) -> None:
    """UserError unless the folder may hold a data set: absent, empty, or one of ours already."""
    if not is_folder(folder):
        if folder.is_symlink() and not folder.exists():
            raise UserError(f"{folder}: is a link that leads nowhere; name another with --out")
        if folder.exists():
            kind = "a file" if is_file(folder) else "no folder"
            raise UserError(f"{folder}: is {kind}; name another folder with --out")
        return
    names = [path.name for path in members(folder)]
    if any(name.endswith(".py") for name in names):
        raise UserError(
            f"{folder}: is a Python package, not a place for a data set; name another with --out DIR"
        )
    if NAME in names:
        read_manifest(folder)
    elif any(not name.startswith(".") for name in names):
        raise UserError(
            f"{folder}: holds other files and no {NAME}; name an empty or new folder with --out"
        )


@contextmanager
def writing(folder: Path, *, wait: bool = True) -> Iterator[Path]:
    """Write to a data set folder alone: the folder itself where ``folder`` is a link to it.

    UserError where another process writes there and we do not ``wait``.
    """
    place = real(folder)
    if is_folder(place) and not is_folder(folder):  # such as FILE/..
        raise UserError(f"{folder}: leads nowhere; name another folder with --out")
    lock = place.parent / f".{place.name}.lock"
    with held(lock, wait=wait) as mine:
        if not mine:
            raise UserError(
                f"{folder}: another spurbench is writing there; wait for it, or name another folder"
            )
        try:
            yield place
        finally:
            with suppress(PermissionError):  # Windows does not remove what is open
                lock.unlink(missing_ok=True)  # while it is held: who comes next makes a new one


def install_class(
    folder: Path,
    name: str,
    domain: str,
    slug: str,
    entry: ClassEntry,
    files: Mapping[str, Sequence[Path]],
    sheet: Path | None = None,
) -> Manifest:
    """Put a finished class into the data set folder, beside the classes that are there; waits while
    another process writes there.

    ``files`` are the finished parquet files by split, whatever they are called, ``sheet`` the class's
    contact sheet. The manifest is written last, so an interrupted call leaves a folder that the next call completes.
    """
    with writing(folder) as place:
        check_target(folder)  # now: while another writes, files are there before their manifest
        return put_class(place, name, domain, slug, entry, files, sheet)


def put_class(
    folder: Path,
    name: str,
    domain: str,
    slug: str,
    entry: ClassEntry,
    files: Mapping[str, Sequence[Path]],
    sheet: Path | None = None,
) -> Manifest:
    """As install_class, for who is ``writing`` the folder already."""
    manifest = _before(folder, name, domain)
    if not (folder / NAME).exists():  # first: what a killed call leaves is then a data set of ours
        write_manifest(folder, manifest)
    splits = {
        split: found.model_copy(update={"files": _installed(found, slug, split)})
        for split, found in entry.splits.items()
    }
    kept = set()
    for split, sources in files.items():
        for source, file in zip(sources, splits[split].files, strict=True):
            copy_file(source, folder / file.path)
            kept.add(folder / file.path)
    for stale in set((folder / "data" / slug).glob("*.parquet")) - kept:
        stale.unlink()
    classes = manifest.classes | {slug: entry.model_copy(update={"splits": splits})}
    manifest = manifest.model_copy(update={"classes": dict(sorted(classes.items()))})
    _put_sheet(folder, slug, sheet)
    write_about(folder, manifest)
    write_manifest(folder, manifest)
    return manifest


def write_about(folder: Path, manifest: Manifest) -> None:
    """Write what tells others of a data set: its card, and Croissant's description of it."""
    found = {path.stem for path in (folder / SHEETS).glob("*.png")}
    write_text(folder / "README.md", dataset_card(manifest, found))
    write_text(folder / CROISSANT, croissant_text(manifest))


def _put_sheet(folder: Path, slug: str, sheet: Path | None) -> None:
    """The class's contact sheet, or none: never that of pictures that were there before."""
    target = folder / SHEETS / f"{slug}.png"
    if sheet is not None:
        copy_file(sheet, target)
    else:
        target.unlink(missing_ok=True)


def _before(folder: Path, name: str, domain: str) -> Manifest:
    """What the folder holds; nothing yet where it is new."""
    if not (folder / NAME).exists():
        return Manifest(name=name, domain=domain, classes={})
    manifest = read_manifest(folder)
    if manifest.domain != domain:
        raise UserError(
            f"{folder}: holds the domain {manifest.domain!r}, not {domain!r}; "
            "name another folder with --out"
        )
    return manifest


def _installed(entry: SplitEntry, slug: str, split: str) -> list[FileEntry]:
    """The split's files under the names that they have in a data set folder."""
    names = [split_file(split, i, len(entry.files)) for i in range(len(entry.files))]
    return [
        file.model_copy(update={"path": f"data/{slug}/{name}"})
        for file, name in zip(entry.files, names, strict=True)
    ]


def split_entry(
    slug: str,
    split: str,
    *files: Path,
    recipe: str | None = None,
    seed: int | None = None,
) -> SplitEntry:
    """The manifest's entry for finished parquet files of one class."""
    rows = read_rows(files)
    if len(rows.labels) != 1 or len(rows.kinds) != 1:
        raise UserError(f"{slug}/{split}: a split needs pictures, all of one label and kind")
    (label,), (found,) = rows.labels, rows.kinds
    stored = [
        FileEntry(path=f"data/{slug}/{name}", sha256=sha256_file(file), pictures=count)
        for file, count, name in zip(
            files,
            rows.counts,
            [split_file(split, i, len(files)) for i in range(len(files))],
            strict=True,
        )
    ]
    return SplitEntry(
        kind=found,  # type: ignore[arg-type]
        files=stored,
        content=content_of(label, slug, split, found, rows.pictures),
        recipe=recipe,
        seed=seed,
        summary=summary_of(files),
    )
