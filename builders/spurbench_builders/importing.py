"""Spurious ImageNet folders, and folders with a manifest.csv, as a data set."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spurbench.contracts import slugify
from spurbench.dataset.manifest import NAME, ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import check_target, install_class, split_entry, write_split
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree, sha256_bytes
from spurbench.pictures import picture_files, png_bytes, read_rgb

from .imagenet.domain import ImagenetDomain
from .steps import Progress

MANIFEST_COLUMNS = ("path", "class_full", "in1k_index")


@dataclass(frozen=True)
class FoundClass:
    """A class found in a folder, with its pictures in order."""

    name: str
    label: int
    feature: str
    pictures: tuple[Path, ...]
    slug: str


def find_classes(root: Path) -> list[FoundClass]:
    """Classes of a folder: by its manifest.csv, else by the names of Spurious ImageNet's folders."""
    if not root.is_dir():
        raise UserError(f"{root}: no such folder (unpack a zip first)")
    found = _by_manifest(root) if (root / "manifest.csv").is_file() else _by_folder_names(root)
    if not found and (root / "manifest.csv").is_file():
        raise UserError(f"{root / 'manifest.csv'}: lists no pictures")
    if not found:
        raise UserError(
            f"{root}: no class folders as Spurious ImageNet names them (between underscores, the third "
            "part is the ImageNet index) and no manifest.csv"
        )
    return found


def import_folder(root: Path, out: Path) -> Iterator[Progress]:
    """Write every class found as a split `si` of domain imagenet, yielding progress a class."""
    classes = find_classes(root)
    check_target(out)
    if (out / NAME).exists():
        raise UserError(f"{out}: holds a data set already; name a new folder with --out")
    aside = out.parent / f".{out.name}.import"
    with friendly_disk_errors(out):
        remove_tree(aside)
        for i, found in enumerate(classes):
            yield Progress("import", found.name, i, len(classes) + 1)
            file = aside / "parquet" / f"{i}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                write_split(_rows(found, root), file)
            except UserError:
                remove_tree(aside)
                raise
            splits = {"si": split_entry(found.slug, "si", file, len(found.pictures))}
            entry = ClassEntry(
                name=found.name,
                label=found.label,
                feature=found.feature,
                splits=splits,
                provenance={"imported_from": root.name},
            )
            install_class(aside / "data", root.name, "imagenet", found.slug, entry, {"si": file})
        if out.is_dir():
            out.rmdir()
        (aside / "data").rename(out)  # the data set is there as a whole, or not at all
        remove_tree(aside)
    total = sum(len(c.pictures) for c in classes)
    note = f"{total} pictures of {len(classes)} classes"
    yield Progress("import", root.name, len(classes) + 1, len(classes) + 1, note)


def _rows(found: FoundClass, root: Path) -> Iterator[Row]:
    for i, path in enumerate(found.pictures):
        png = png_bytes(read_rgb(path))
        origin = path.relative_to(root).as_posix()
        yield Row(png, found.label, found.name, "si", i, origin, sha256_bytes(png))


def _by_folder_names(root: Path) -> list[FoundClass]:
    """Folder names' third `_` field is the ImageNet index, the last the component."""
    cards = {c.label: c for c in ImagenetDomain().cards()}
    pictures: dict[int, list[Path]] = defaultdict(list)
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        fields = folder.name.split("_")
        if len(fields) < 3 or not fields[2].isdigit():
            continue
        label = int(fields[2])
        if label not in cards:
            raise UserError(f"{folder}: {label} is not a class of Spurious ImageNet")
        pictures[label] += picture_files(folder)
    empty = [cards[k].name for k, files in pictures.items() if not files]
    if empty:
        raise UserError(f"{root}: no pictures for {', '.join(empty)}")
    return _named({k: (cards[k].name, cards[k].feature, f) for k, f in sorted(pictures.items())})


def _by_manifest(root: Path) -> list[FoundClass]:
    file = root / "manifest.csv"
    try:
        reader = csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())
        rows = [{k: v or "" for k, v in row.items() if k is not None} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: not a CSV file in UTF-8 ({error})") from error
    lacking = [c for c in MANIFEST_COLUMNS if c not in (reader.fieldnames or [])]
    if lacking:
        raise UserError(f"{file}: lacks the columns {', '.join(lacking)}")
    groups: dict[int, tuple[str, str, list[Path]]] = {}
    for number, row in enumerate(rows, start=2):
        index = row["in1k_index"]
        if not (index.isascii() and index.isdigit() and int(index) <= 999):
            raise UserError(f"{file}, line {number}: in1k_index {index!r} is not 0 to 999")
        group = groups.setdefault(int(index), (row["class_full"], row.get("feature", ""), []))
        group[2].append(_inside(root, row["path"]))
    return _named(dict(sorted(groups.items())))


def _named(groups: dict[int, tuple[str, str, list[Path]]]) -> list[FoundClass]:
    """Classes with slugs of their own: two of one name (ImageNet has two cranes) get their index."""
    counts = Counter(slugify(name) for name, _, _ in groups.values())
    found = []
    for label, (name, feature, files) in groups.items():
        slug = slugify(name)
        if not slug or slug == "default" or counts[slug] > 1:
            slug = f"{slug or 'class'}_{label}"
        found.append(FoundClass(name, label, feature, tuple(files), slug))
    return found


def _inside(root: Path, relative: str) -> Path:
    path = (root / relative).resolve()
    if not path.is_relative_to(root.resolve()):
        raise UserError(f"{root / 'manifest.csv'}: names a file outside its folder: {relative!r}")
    return root / relative


def _parent(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent
