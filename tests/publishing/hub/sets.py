"""Data sets of several files that are published here, and what a hub holds of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from spurbench.dataset.manifest import read_manifest, write_manifest
from spurbench.dataset.write import write_about
from spurbench.pictures import png_bytes
from tests.conftest import picture
from tests.core.dataset.made import put

from .repository import Repository

NAME = "org/spurbench"


def first(folder: Path) -> Path:
    """Two classes, one with a split of two files and a contact sheet."""
    put(folder, "koala", 5, {"si": ("si", [[1, 2]]), "generated": ("generated", [[3, 4], [5]])})
    put(folder, "hummingbird", 0, {"si": ("si", [[11]]), "generated": ("generated", [[12, 13]])})
    for slug in ("koala", "hummingbird"):
        (folder / "contact").mkdir(exist_ok=True)
        (folder / "contact" / f"{slug}.png").write_bytes(png_bytes(picture(len(slug))))
    write_about(folder, read_manifest(folder))
    return folder


def second(folder: Path) -> Path:
    """The same folder with other references of the koala, no hummingbird and a gondola."""
    put(folder, "koala", 5, {"si": ("si", [[1, 7]]), "generated": ("generated", [[3, 4], [5]])})
    put(folder, "gondola", 3, {"si": ("si", [[21]])})
    shutil.rmtree(folder / "data" / "hummingbird")
    (folder / "contact" / "hummingbird.png").unlink()
    manifest = read_manifest(folder)
    classes = {slug: e for slug, e in manifest.classes.items() if slug != "hummingbird"}
    manifest = manifest.model_copy(update={"classes": classes})
    write_about(folder, manifest)
    write_manifest(folder, manifest)
    return folder


def on_disk(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but hidden ones."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def on_hub(repository: Repository, revision: str = "main") -> dict[str, bytes]:
    """Every file of a revision but hidden ones."""
    commit = repository.find(revision)
    assert commit is not None
    return {path: b.data for path, b in sorted(commit.files.items()) if not path.startswith(".")}
