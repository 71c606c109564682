"""Spurious ImageNet folders, and folders with a manifest.csv, as a data set."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

from spurbench.dataset.folders import SourceClass, find_classes, read_picture
from spurbench.dataset.manifest import NAME, ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import (
    check_target,
    install_class,
    split_entry,
    write_split,
    writing,
)
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree, sha256_bytes
from spurbench.pictures import read_rgb
from spurbench.reading import make_folder
from spurbench_builders.progress import Progress

from .pool import sourced


def import_folder(root: Path, out: Path) -> Generator[Progress]:
    """Write every class found as a split `si` of domain imagenet, yielding progress a class.

    The data set is there as a whole, or not at all: what a killed import leaves aside, the next one
    removes. UserError where another process writes there.
    """
    classes = find_classes(root)
    with friendly_disk_errors(out):
        check_target(out)
        if (out / NAME).exists():
            raise UserError(f"{out}: holds a data set already; name a new folder with --out")
        with writing(out, wait=False) as real:
            aside = real.parent / f".{real.name}.import"
            remove_tree(aside)
            try:
                yield from _imported(root, classes, aside)
                _put(aside / "data", out, real)
            finally:
                remove_tree(aside)
    total = sum(len(c.pictures) for c in classes)
    note = f"{total} pictures of {len(classes)} classes"
    yield Progress("import", root.name, len(classes) + 1, len(classes) + 1, note)


def _imported(root: Path, classes: list[SourceClass], aside: Path) -> Iterator[Progress]:
    """The whole data set in ``aside/data``."""
    for i, si_class in enumerate(classes):
        yield Progress("import", si_class.name, i, len(classes) + 1)
        file = aside / "parquet" / f"{i}.parquet"
        make_folder(file.parent)
        write_split(_rows(si_class), file)
        slug = si_class.slug
        entry = ClassEntry(
            name=si_class.name,
            label=si_class.label,
            feature=si_class.feature,
            splits={"si": split_entry(slug, "si", file)},
            provenance={"imported_from": root.name},
        )
        name = si_class.collection
        install_class(aside / "data", name, "imagenet", slug, entry, {"si": [file]})


def _put(whole: Path, out: Path, real: Path) -> None:
    check_target(out)  # again: it may have filled meanwhile
    if (real / NAME).exists():
        raise UserError(f"{out}: holds a data set already; name a new folder with --out")
    if not real.is_dir():
        whole.rename(real)
        return
    for part in sorted(whole.iterdir(), key=lambda path: path.name == NAME):  # the manifest last
        part.rename(real / part.name)


def _rows(si_class: SourceClass) -> Iterator[Row]:
    """Rows with the files' own bytes, each of which is known to be a picture that can be read."""
    files = zip(si_class.pictures, si_class.origins, si_class.credits, strict=True)
    for i, (place, origin, credit) in enumerate(files):
        data = read_picture(place)
        read_rgb(data, str(place))
        sha256, credit = sha256_bytes(data), sourced(credit, data)
        yield Row(data, si_class.label, si_class.name, "si", i, origin, sha256, credit=credit)
