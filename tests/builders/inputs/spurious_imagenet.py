"""Small folders in the forms in which Spurious ImageNet comes."""

from __future__ import annotations

import zipfile
from pathlib import Path

from spurbench.pictures import png_bytes
from tests.conftest import picture

NAMES = {94: "hummingbird", 105: "koala", 554: "fireboat"}


def write_folders(root: Path, counts: dict[int, int]) -> Path:
    """A folder a class, named as Spurious ImageNet names them; so many pictures by label."""
    for label, count in counts.items():
        _write(root / f"spurious_class_{label}_component_1", label, count)
    return root


def write_listed(root: Path, counts: dict[int, int]) -> Path:
    """Folders of any name and a manifest.csv."""
    rows = ["path,class_full,in1k_index"]
    for label, count in counts.items():
        for name in _write(root / f"set{label}", label, count):
            rows.append(f"set{label}/{name},the {NAMES[label]},{label}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


def zipped(root: Path) -> Path:
    """The folder as a zip beside it."""
    place = root.with_suffix(".zip")
    with zipfile.ZipFile(place, "w") as file:
        for path in sorted(root.rglob("*")):
            file.write(path, path.relative_to(root))
    return place


def _write(folder: Path, label: int, count: int) -> list[str]:
    folder.mkdir(parents=True)
    names = [f"{i}.png" for i in range(count)]
    for i, name in enumerate(names):
        (folder / name).write_bytes(png_bytes(picture(100 * label + i, (13, 9))))
    return names
