"""Small folders laid out as Spurious ImageNet and ImageNet's validation pictures are."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spurbench.dataset.read import StoredPicture
from spurbench.pictures import png_bytes
from spurbench_evaluators.data.wnids import wnids
from tests.conftest import picture

HUMMINGBIRD, KOALA, TENCH = 94, 105, 0


def png(seed: int) -> bytes:
    return png_bytes(picture(seed, (12, 8)))


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(seed))


def zipped(folder: Path, out: Path) -> Path:
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder.parent))
    return out


def facts(pictures: list[StoredPicture]) -> list[tuple[object, ...]]:
    return [(p.slug, p.class_name, p.label, p.split, p.index, p.sha256, p.data) for p in pictures]


def torchvision_layout(root: Path) -> Path:
    for label in (HUMMINGBIRD, KOALA, TENCH):
        for i in range(4):
            write(root / wnids()[label] / f"ILSVRC2012_val_{label:04}{i:04}.JPEG", label * 10 + i)
    return root


def kaggle_layout(root: Path) -> Path:
    lines = ["ImageId,PredictionString"]
    for label in (HUMMINGBIRD, KOALA, TENCH):
        for i in range(4):
            name = f"ILSVRC2012_val_{label:04}{i:04}"
            write(root / "ILSVRC" / "Data" / "CLS-LOC" / "val" / f"{name}.JPEG", label * 10 + i)
            lines.append(f"{name},{wnids()[label]} 1 2 3 4 {wnids()[label]} 5 6 7 8 ")
    (root / "LOC_val_solution.csv").write_text("\n".join(lines))
    return root / "ILSVRC" / "Data" / "CLS-LOC" / "val"


def hf_layout(root: Path) -> Path:
    """Two shards of parquet, labels mixed, as the hub's ImageNet keeps them."""
    rows = [(label, i) for i in range(4) for label in (KOALA, TENCH, HUMMINGBIRD)]
    (root / "data").mkdir(parents=True)
    for shard in range(2):
        part = rows[shard::2] if shard else rows[0::2]
        images = [{"bytes": png(label * 10 + i), "path": f"{label}-{i}.JPEG"} for label, i in part]
        table = pa.table({"image": images, "label": [label for label, _ in part]})
        pq.write_table(table, root / "data" / f"validation-{shard:05}-of-00002.parquet")
    return root


LAYOUTS = {"torchvision": torchvision_layout, "kaggle": kaggle_layout, "hf": hf_layout}
