"""Small data sets with several files, splits, seeds and features, and ways to spoil them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spurbench.dataset.content import content_of
from spurbench.dataset.manifest import ClassEntry, Manifest
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import sha256_bytes, sha256_file
from spurbench.pictures import png_bytes
from tests.conftest import picture


def png(seed: int) -> bytes:
    return png_bytes(picture(seed, (6, 4)))


def files_of(
    aside: Path, name: str, label: int, kind: str, seeds: Sequence[Sequence[int]]
) -> list[Path]:
    """Parquet files of one split: a list of pictures a file, indices going on over them."""
    aside.mkdir(parents=True, exist_ok=True)
    paths, start = [], 0
    for part in seeds:
        rows = [
            Row(png(s), label, name, kind, start + i, f"from {s}", sha256_bytes(png(s)))
            for i, s in enumerate(part)
        ]
        paths.append(aside / f"{len(list(aside.iterdir()))}.parquet")
        write_split(rows, paths[-1])
        start += len(part)
    return paths


def put(
    folder: Path,
    slug: str,
    label: int,
    splits: Mapping[str, tuple[str, Sequence[Sequence[int]]]],
    name: str = "",
    feature: str = "leaves",
    domain: str = "micro",
) -> Manifest:
    """Install a class; ``splits``: kind and pictures a file, by the split's name."""
    name = name or slug
    aside = folder.parent / f"{folder.name}-aside"
    files = {
        split: files_of(aside, name, label, kind, seeds) for split, (kind, seeds) in splits.items()
    }
    entries = {split: split_entry(slug, split, *paths) for split, paths in files.items()}
    entry = ClassEntry(name=name, label=label, feature=feature, splits=entries, provenance={})
    return install_class(folder, "made", domain, slug, entry, files)


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change manifest.json."""
    path = folder / "manifest.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def spoiled(file: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the rows of a parquet file and mend its hash in the manifest, as one who means it."""
    table = pq.read_table(file)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    rehashed(file)


def rehashed(file: Path) -> None:
    """Mend a file's hash in the manifest."""
    folder = file.parents[2]
    relative = file.relative_to(folder).as_posix()

    def mend(data: dict[str, Any]) -> None:
        for entry in data["classes"].values():
            for split in entry["splits"].values():
                for stored in split["files"]:
                    if stored["path"] == relative:
                        stored["sha256"] = sha256_file(file)

    edited(folder, mend)


def emptied(folder: Path, slug: str, *splits: str) -> None:
    """Take every row out of the splits' files, and have the manifest say so."""
    for file in (folder / "data" / slug).glob("*.parquet"):
        if file.name.partition("-")[0] in splits:
            pq.write_table(pq.read_table(file).slice(0, 0), file)
            rehashed(file)

    def mend(data: dict[str, Any]) -> None:
        entry = data["classes"][slug]
        for name in splits:
            split = entry["splits"][name]
            split["content"] = content_of(entry["label"], slug, name, split["kind"], [])
            for stored in split["files"]:
                stored["pictures"] = 0

    edited(folder, mend)
