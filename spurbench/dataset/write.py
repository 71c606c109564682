"""Writes splits and data set folders; a folder only ever holds finished splits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spurbench.errors import UserError
from spurbench.files import copy_file, sha256_file, write_text

from .card import dataset_card
from .manifest import NAME, ClassEntry, Manifest, SplitEntry, read_manifest, write_manifest
from .schema import Row, features, split_file


def write_split(rows: Iterable[Row], path: Path) -> None:
    """Write rows as one parquet file with the images' bytes embedded."""
    from datasets import Dataset
    from datasets.utils.logging import disable_progress_bar

    disable_progress_bar()
    columns = [row.as_columns() for row in rows]
    if not columns:
        raise UserError(f"{path.name}: a split needs at least one picture")
    Dataset.from_list(columns, features=features()).to_parquet(path)


def check_target(folder: Path) -> None:
    """UserError unless the folder may hold a data set: absent, empty, or one of ours already."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder}: is a file; name another folder with --out")
    if any(folder.glob("*.py")):
        raise UserError(
            f"{folder}: is a Python package, not a place for a data set; name another with --out DIR"
        )
    if (folder / NAME).exists():
        read_manifest(folder)
    elif any(p for p in folder.iterdir() if not p.name.startswith(".")):
        raise UserError(
            f"{folder}: holds other files and no {NAME}; name an empty or new folder with --out"
        )


def install_class(
    folder: Path, name: str, domain: str, slug: str, entry: ClassEntry, files: dict[str, Path]
) -> Manifest:
    """Put a finished class into the data set folder, beside the classes that are there.

    ``files`` are the finished parquet files by split. The manifest is written last but the
    card, so an interrupted call leaves a folder that the next call completes.
    """
    check_target(folder)
    classes: dict[str, ClassEntry] = {}
    if (folder / NAME).exists():
        current = read_manifest(folder)
        if current.domain != domain:
            raise UserError(
                f"{folder}: holds the domain {current.domain!r}, not {domain!r}; "
                "name another folder with --out"
            )
        classes = dict(current.classes)
        name = current.name
    target = folder / "data" / slug
    for split, source in files.items():
        copy_file(source, target / split_file(split))
    if target.is_dir():
        for stale in set(target.glob("*.parquet")) - {target / split_file(s) for s in files}:
            stale.unlink()
    classes[slug] = entry
    manifest = Manifest(name=name, domain=domain, classes=dict(sorted(classes.items())))
    write_text(folder / "README.md", dataset_card(manifest))
    write_manifest(folder, manifest)
    return manifest


def split_entry(slug: str, split: str, path: Path, pictures: int) -> SplitEntry:
    """The manifest's entry for a finished parquet file."""
    return SplitEntry(
        path=f"data/{slug}/{split_file(split)}", sha256=sha256_file(path), pictures=pictures
    )
