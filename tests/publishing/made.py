"""Small data sets as builds leave them: every column filled, and consistent with one another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from spurbench.dataset.manifest import ClassEntry, Manifest, read_manifest
from spurbench.dataset.schema import UNKNOWN, Credit, PanelPrediction, Row
from spurbench.dataset.write import install_class, split_entry, write_about, write_split
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes

PANEL = ["micro/vit", "micro/robust"]
RECIPE = {"name": "made", "panel": PANEL, "base": "made-base"}
CREDIT = Credit("CC BY 2.0", "A. Nonymous", "https://example.org/1.jpg", "0" * 64)
SIZE = 8
Spoil = Callable[[Path], object]


def recipe_name(recipe: dict[str, Any]) -> str:
    """NAME@FINGERPRINT, computed here from what docs/format.md says."""
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{recipe['name']}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def noise(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return Image.fromarray(values)


def panel(label: int, *answers: int) -> dict[str, Any]:
    """Predictions of the panel, and what follows from them."""
    said = tuple(PanelPrediction(m, a, 0.25) for m, a in zip(PANEL, answers, strict=True))
    return {"predictions": said, "consistently_spurious": all(a == label for a in answers)}


def rows_of(kind: str, name: str, label: int, start: int, count: int, seed: int) -> list[Row]:
    """Rows of a split whose pictures are the noises ``start``, ``start`` + 1 ...; generated ones are
    compared with the noises 0 and 1 after their class's start, the references trained on."""
    rows = []
    first = start // 100 * 100
    for i in range(count):
        data = png_bytes(noise(start + i))
        known: dict[str, Any] = {"origin": f"made {start + i}"}
        if kind == "si":
            known |= panel(label, label, label if i < 2 else 7)
            known |= {"is_training_reference": i < 2}
        if kind == "generated":
            own = np.asarray(noise(start + i), dtype=float) / 255
            apart = [
                ((np.asarray(noise(first + k), dtype=float) / 255 - own) ** 2).mean() ** 0.5
                for k in (0, 1)
            ]
            nearest = int(np.argmin(apart))
            known |= panel(label, label, label if i else 3)
            known |= {
                "origin": f"seed {seed * 1_000_000 + i}",
                "prompt": f"a photo of a {name}",
                "seed": seed * 1_000_000 + i,
                "recipe": recipe_name(RECIPE),
                "object_probability": 0.125,
                "nearest_reference": f"made {first + nearest}",
                "nearest_distance": float(apart[nearest]),
                "degenerate": False,
            }
        rows.append(Row(data, label, name, kind, i, sha256=sha256_bytes(data), **known))
    return rows


def put(
    folder: Path,
    slug: str,
    label: int,
    start: int,
    *,
    seeds: tuple[int, ...] = (3,),
    domain: str = "micro",
    credit: Credit = UNKNOWN,
    name: str = "",
    feature: str = "leaves",
    recipe: dict[str, Any] | None = None,
) -> Manifest:
    """Install a class as a build does: `si`, a generated split a seed, and `val`."""
    name, aside = name or slug, folder.parent / f"{folder.name}-aside"
    aside.mkdir(exist_ok=True, parents=True)
    parts: dict[str, tuple[str, int, int, int]] = {"si": ("si", start, 4, 0)}
    for i, seed in enumerate(seeds):
        split = "generated" if i == 0 else f"generated_seed{seed}"
        parts[split] = ("generated", start + 10 * (i + 1), 3, seed)
    parts["val"] = ("val", start + 90, 2, 0)
    files, entries = {}, {}
    for split, (kind, first, count, seed) in parts.items():
        rows = rows_of(kind, name, label, first, count, seed)
        if kind == "si" or (credit != Credit() and kind == "val"):
            rows = [Row(**{**row.__dict__, "credit": credit}) for row in rows]
        files[split] = aside / f"{slug}-{split}.parquet"
        write_split(rows, files[split])
        made = {"recipe": recipe_name(RECIPE), "seed": seed} if kind == "generated" else {}
        entries[split] = split_entry(slug, split, files[split], **made)  # type: ignore[arg-type]
    entry = ClassEntry(
        name=name,
        label=label,
        feature=feature,
        splits=entries,
        provenance={"recipe": recipe or RECIPE, "seed": seeds[0], "versions": {"torch": "2.0"}},
    )
    return install_class(
        folder, "made", domain, slug, entry, {split: [file] for split, file in files.items()}
    )


def sound(folder: Path) -> Path:
    """Two classes, one of them with two generated splits."""
    put(folder, "koala", 5, 100)
    put(folder, "hummingbird", 0, 200, seeds=(3, 4))
    return folder


def sound_imagenet(folder: Path) -> Path:
    """One class of ImageNet with pictures that have a licence."""
    put(folder, "koala", 105, 100, domain="imagenet", credit=CREDIT)
    return folder


def file_of(folder: Path, slug: str = "koala", split: str = "generated") -> Path:
    return folder / "data" / slug / f"{split}-00000-of-00001.parquet"


def rewritten(
    file: Path, change: Callable[[list[dict[str, Any]]], object], schema: pa.Schema | None = None
) -> None:
    """Change the rows of a parquet file, and nothing else."""
    table = pq.read_table(file)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema or table.schema), file)


def mended(folder: Path) -> None:
    """Make manifest and card those of the files that are there, as one who means it: what is still
    wrong is in the rows and pictures alone."""
    manifest = read_manifest(folder)
    classes = {}
    for slug, entry in manifest.classes.items():
        splits = {
            name: split.model_copy(
                update={
                    key: getattr(
                        split_entry(slug, name, *(folder / f.path for f in split.files)), key
                    )
                    for key in ("files", "content", "summary")
                }
            )
            for name, split in entry.splits.items()
        }
        classes[slug] = entry.model_copy(update={"splits": splits})
    manifest = manifest.model_copy(update={"classes": classes})
    (folder / "manifest.json").write_text(json.dumps(manifest.model_dump(), indent=1))
    write_about(folder, manifest)
