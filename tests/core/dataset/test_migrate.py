"""A data set of version 1, as spurbench wrote it then (tests/data/version_1), is read and added to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from tests.conftest import ROOT, picture
from tests.core.dataset.made import edited, put

OLD = ROOT / "tests" / "data" / "version_1"
SEEDS = {
    ("freight_car", "si"): [10, 11],
    ("koala", "generated"): [150, 151],
    ("koala", "si"): [50, 51, 52],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old"


def test_every_picture_is_as_it_was(folder: Path) -> None:
    data = open_data_set(folder)
    assert [(p.slug, p.split, p.kind, p.label, p.index, p.data) for p in data.pictures()] == [
        (slug, split, split, {"koala": 5, "freight_car": 1}[slug], i, png_bytes(picture(seed, (6, 4))))
        for (slug, split), seeds in SEEDS.items()
        for i, seed in enumerate(seeds)
    ]  # fmt: skip
    manifest = data.manifest
    assert manifest.schema_version == 2 and manifest.name == "made"
    assert manifest.classes["koala"].provenance == {"seed": 7}
    old = json.loads((OLD / "manifest.json").read_text())["classes"]["koala"]["splits"]["si"]
    split = manifest.classes["koala"].splits["si"]
    assert [file.model_dump() for file in split.files] == [old]
    assert split.recipe is None and split.seed is None
    assert json.loads((folder / "manifest.json").read_text())["schema_version"] == 1, "only read"


def test_its_fingerprint_is_that_of_the_same_pictures_written_today(
    folder: Path, tmp_path: Path
) -> None:
    koala = {"si": ("si", [[50, 51, 52]]), "generated": ("generated", [[150, 151]])}
    put(tmp_path / "new", "koala", 5, koala)
    put(tmp_path / "new", "freight_car", 1, {"si": ("si", [[10, 11]])}, name="freight car")
    new = read_manifest(tmp_path / "new")
    assert read_manifest(folder).fingerprint() == new.fingerprint()


def test_a_class_more_makes_it_version_2_and_datasets_reads_old_and_new_together(
    folder: Path,
) -> None:
    """The old files stay to the byte; columns that came later are empty in their rows."""
    before = {p: p.read_bytes() for p in folder.rglob("*.parquet")}
    old = read_manifest(folder)
    for slug, label in (("bee", 2), ("zebra", 9)):  # before and after the old ones by name
        put(folder, slug, label, {"si": ("si", [[70 + label]])})
    assert json.loads((folder / "manifest.json").read_text())["schema_version"] == 2
    assert {p: p.read_bytes() for p in before} == before
    new = open_data_set(folder).manifest
    assert {s: new.classes[s] for s in old.classes} == old.classes and len(new.classes) == 4
    rows = load_dataset(str(folder), split="si")
    assert list(zip(rows["label"], rows["licence"], strict=True)) == [
        (2, None), (1, None), (1, None), (5, None), (5, None), (5, None), (9, None)
    ]  # fmt: skip
    assert "licence" not in pq.read_schema(next(iter(before))).names
    koala = load_dataset(str(folder), "koala", split="generated")
    assert koala["seed"] == [0, 1]


def test_what_is_wrong_with_it_is_found_too(folder: Path) -> None:
    file = folder / "data" / "koala" / "si-00000-of-00001.parquet"
    edited(folder, lambda d: d["classes"]["koala"].update(label=1))
    with pytest.raises(UserError, match="gives koala/.* the label 1, but its pictures have 5"):
        open_data_set(folder)
    edited(folder, lambda d: d["classes"]["koala"].update(label=5))
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(UserError, match="differs from what manifest.json records|cannot be read"):
        open_data_set(folder)
    file.unlink()
    with pytest.raises(UserError, match=r"si-00000-of-00001.parquet: missing; run the build again"):
        read_manifest(folder)
    edited(folder, lambda d: d["classes"]["koala"]["splits"].update(test={"path": "x"}))
    with pytest.raises(UserError, match="version 1 of the data set knows no split 'test'|missing"):
        read_manifest(folder)


def test_a_row_of_it_that_is_not_its_hashs_is_found(folder: Path) -> None:
    table = pq.read_table(OLD / "data" / "koala" / "si-00000-of-00001.parquet")
    rows = table.to_pylist()
    assert all(sha256_bytes(row["image"]["bytes"]) == row["sha256"] for row in rows)
    rows[1]["image"]["bytes"] = rows[2]["image"]["bytes"]
    file = folder / "data" / "koala" / "si-00000-of-00001.parquet"
    pq.write_table(table.from_pylist(rows, schema=table.schema), file)
    sha256 = sha256_bytes(file.read_bytes())
    edited(folder, lambda d: d["classes"]["koala"]["splits"]["si"].update(sha256=sha256))
    with pytest.raises(UserError, match="the bytes of picture 1 are not those of its sha256"):
        list(open_data_set(folder).pictures())
