"""Spurious ImageNet folders, and folders with a manifest.csv, as a data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spurbench.dataset.folders import SourceClass, find_classes, read_picture
from spurbench.dataset.manifest import NAME, ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import check_target, install_class, split_entry, write_split
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree, sha256_bytes
from spurbench.pictures import png_bytes, read_rgb
from spurbench_builders.progress import Progress


def import_folder(root: Path, out: Path) -> Iterator[Progress]:
    """Write every class found as a split `si` of domain imagenet, yielding progress a class."""
    classes = find_classes(root)
    check_target(out)
    if (out / NAME).exists():
        raise UserError(f"{out}: holds a data set already; name a new folder with --out")
    aside = out.parent / f".{out.name}.import"
    with friendly_disk_errors(out):
        remove_tree(aside)
        for i, si_class in enumerate(classes):
            yield Progress("import", si_class.name, i, len(classes) + 1)
            file = aside / "parquet" / f"{i}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                write_split(_rows(si_class), file)
            except UserError:
                remove_tree(aside)
                raise
            splits = {"si": split_entry(si_class.slug, "si", file, len(si_class.pictures))}
            entry = ClassEntry(
                name=si_class.name,
                label=si_class.label,
                feature=si_class.feature,
                splits=splits,
                provenance={"imported_from": root.name},
            )
            install_class(aside / "data", root.name, "imagenet", si_class.slug, entry, {"si": file})
        if out.is_dir():
            out.rmdir()
        (aside / "data").rename(out)  # the data set is there as a whole, or not at all
        remove_tree(aside)
    total = sum(len(c.pictures) for c in classes)
    note = f"{total} pictures of {len(classes)} classes"
    yield Progress("import", root.name, len(classes) + 1, len(classes) + 1, note)


def _rows(si_class: SourceClass) -> Iterator[Row]:
    for i, (place, origin) in enumerate(zip(si_class.pictures, si_class.origins, strict=True)):
        png = png_bytes(read_rgb(read_picture(place), str(place)))
        yield Row(png, si_class.label, si_class.name, "si", i, origin, sha256_bytes(png))
