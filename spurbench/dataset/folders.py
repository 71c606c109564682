"""Spurious ImageNet as it is handed out: a folder or zip of class folders, or one with a manifest.csv."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spurbench import plugins
from spurbench.contracts import ClassCard, slugify
from spurbench.errors import UserError, short
from spurbench.numerals import MOST, index
from spurbench.pictures import is_picture_name
from spurbench.reading import (
    as_text,
    is_file,
    is_folder,
    members,
    opened,
    read_bytes,
    read_csv,
    real,
    storable,
    unreadable,
    why,
)

from .schema import UNKNOWN, Credit

MANIFEST_COLUMNS = ("path", "class_full", "in1k_index")
CREDITS = {  # what a manifest.csv may call them; the first that is there counts
    "licence": ("licence", "license"),
    "author": ("author", "by"),
    "source_url": ("source_url", "url"),
    "source_sha256": ("source_sha256", "sha256"),
}
SPURIOUS_IMAGENET, OWN = "spurious-imagenet", "pictures"
MAX_DEPTH = 6
MAX_BYTES = 1 << 28
ASIDE = "__MACOSX"  # where macOS keeps its own data in a zip

Place = Path | zipfile.Path
Picture = tuple[Place, str, Credit]  # with its path in the folder or zip


@dataclass(frozen=True)
class SourceClass:
    """A class of a folder or zip, with its pictures in order; ``origins`` are their paths in it.
    ``collection`` says what they are pictures of, wherever they lie."""

    name: str
    label: int
    feature: str
    pictures: tuple[Place, ...]
    origins: tuple[str, ...]
    credits: tuple[Credit, ...]
    slug: str
    collection: str


def find_classes(root: Path) -> list[SourceClass]:
    """Classes of a folder or zip: by its manifest.csv, else by the names of Spurious ImageNet's
    folders, which may lie below folders that hold nothing else."""
    try:
        return _found(root)
    except OSError as error:
        raise unreadable(error.filename or root, error) from error


def _found(root: Path) -> list[SourceClass]:
    if not is_folder(root) and not is_file(root):
        raise UserError(f"{root}: no such folder or zip")
    top = _opened(root)
    if (top / "manifest.csv").is_file():
        classes = _by_manifest(top, root)
        if not classes:
            raise UserError(f"{root / 'manifest.csv'}: lists no pictures")
        return classes
    classes = _by_folder_names(top, root)
    if not classes:
        raise UserError(
            f"{root}: no class folders as Spurious ImageNet names them (between underscores, the third "
            "part is the ImageNet index) and no manifest.csv"
        )
    return classes


def is_spurious_imagenet(root: Path) -> bool:
    """Whether a place looks as ``find_classes`` wants it: a zip, a manifest.csv, class folders."""
    if is_file(root):
        with opened(root, None) as file:
            return zipfile.is_zipfile(file)
    if not is_folder(root):
        return False
    return is_file(root / "manifest.csv") or any(True for _ in _class_folders(root))


def read_picture(place: Place) -> bytes:
    """A file's bytes; UserError where it is not there, too big, or a zip's member is broken."""
    try:
        if isinstance(place, zipfile.Path):
            size = place.root.getinfo(place.at).file_size
            if size > MAX_BYTES:
                raise UserError(
                    f"{place}: {size} bytes is no picture nor list; remove it from the zip"
                )
            return place.read_bytes()
        return read_bytes(place, MAX_BYTES)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, ValueError) as error:
        raise UserError(
            f"{place}: cannot be read ({why(error)}); mend, replace or remove it"
        ) from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed by another method
        raise UserError(f"{place}: cannot be unpacked ({error}); unpack the zip first") from error


def _opened(root: Path) -> Place:
    if is_folder(root):
        return root
    with opened(root, None):  # a plain file that may be read
        pass
    try:
        return zipfile.Path(root)
    except Exception as error:  # whatever a broken or hostile file makes the reader raise
        raise UserError(
            f"{root}: neither a folder nor a zip that can be opened ({why(error)})"
        ) from error


def _by_folder_names(top: Place, root: Path) -> list[SourceClass]:
    cards = {c.label: c for c in plugins.domain("imagenet").cards()}
    pictures: dict[int, list[Picture]] = defaultdict(list)
    for folder, trail in _class_folders(top):
        label = int(folder.name.split("_")[2])
        if label not in cards:
            raise UserError(f"{folder}: {label} is not a class of Spurious ImageNet")
        pictures[label] += [
            (f, storable(f"{trail}{folder.name}/{f.name}"), UNKNOWN) for f in _picture_files(folder)
        ]
    empty = [cards[k].name for k, files in pictures.items() if not files]
    if empty:
        raise UserError(f"{root}: no pictures for {', '.join(empty)}")
    found = {k: (_card_words(cards[k]), f) for k, f in sorted(pictures.items())}
    return _named(found, SPURIOUS_IMAGENET)


def _card_words(card: ClassCard) -> tuple[str, str]:
    return card.name, card.feature


def _class_folders(top: Place) -> Iterator[tuple[Place, str]]:
    """Folders whose name's third `_` field is a number, at the first level that has any, with
    the path that leads there."""
    level: list[tuple[Place, str]] = [(top, "")]
    for _ in range(MAX_DEPTH):
        below = [(folder, trail) for place, trail in level for folder in _folders(place)]
        named = [(folder, trail) for folder, trail in below if _is_class_folder(folder.name)]
        if named:
            yield from named
            return
        level = [(folder, f"{trail}{folder.name}/") for folder, trail in below]


def _folders(place: Place) -> list[Place]:
    entries: list[Place] = [*(members(place) if isinstance(place, Path) else place.iterdir())]
    shown = (e for e in entries if e.is_dir() and e.name != ASIDE and not e.name.startswith("."))
    return sorted(shown, key=lambda entry: entry.name)


def _is_class_folder(name: str) -> bool:
    fields = name.split("_")
    return len(fields) >= 3 and index(fields[2], MOST) is not None


def _picture_files(folder: Place) -> list[Place]:
    files: list[Place] = [f for f in folder.iterdir() if is_picture_name(f.name) and f.is_file()]
    return sorted(files, key=lambda f: f.name)


def _by_manifest(top: Place, root: Path) -> list[SourceClass]:
    file = root / "manifest.csv"
    text = as_text(read_picture(top / "manifest.csv"), file)
    rows = read_csv(text, file, MANIFEST_COLUMNS)
    groups: dict[int, tuple[tuple[str, str], list[Picture]]] = {}
    for number, row in enumerate(rows, start=2):
        said = row["in1k_index"]
        label = index(said, 999)
        if label is None:
            raise UserError(f"{file}, line {number}: in1k_index {short(said)} is not 0 to 999")
        if not row["path"]:
            raise UserError(f"{file}, line {number}: names no file")
        group = groups.setdefault(label, ((row["class_full"], row.get("feature", "")), []))
        place, origin = _inside(top, root, row["path"]), Path(row["path"]).as_posix()
        if any(origin == other for _, other, _ in group[1]):
            raise UserError(f"{file}, line {number}: lists {short(origin)} of class {label} again")
        group[1].append((place, origin, _credit(row)))
    return _named(dict(sorted(groups.items())), OWN)


def _credit(row: dict[str, str]) -> Credit:
    """What a line of a manifest.csv says of a picture's source."""
    said = {
        field: next((row[name].strip() for name in names if row.get(name, "").strip()), None)
        for field, names in CREDITS.items()
    }
    return Credit(**said)


def _named(
    groups: dict[int, tuple[tuple[str, str], list[Picture]]], collection: str
) -> list[SourceClass]:
    """Classes with slugs of their own: two of one name (ImageNet has two cranes) get their index."""
    counts = Counter(slugify(name) for (name, _), _ in groups.values())
    classes = []
    for label, ((name, feature), files) in groups.items():
        slug = slugify(name)
        if not slug or slug == "default" or counts[slug] > 1:
            slug = f"{slug or 'class'}_{label}"
        places, origins, credits = zip(*files, strict=True)
        classes.append(
            SourceClass(name, label, feature, places, origins, credits, slug, collection)
        )
    return classes


def _inside(top: Place, root: Path, relative: str) -> Place:
    if not real(root / relative).is_relative_to(real(root)):
        raise UserError(
            f"{root / 'manifest.csv'}: names a file outside its folder: {short(relative)}"
        )
    return top / relative
