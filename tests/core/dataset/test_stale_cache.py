"""A data set that is rebuilt in its place is never served from what `datasets` kept of the old one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.write import put_class, split_entry

from .made import put

CONFIGS = ("koala", "default")


def origins(folder: Path, config: str) -> list[str]:
    return list(load_dataset(str(folder), config, split="si")["origin"][:])


@pytest.mark.parametrize("config", CONFIGS)
def test_other_pictures_are_seen(tmp_path: Path, config: str) -> None:
    for seeds in ([1, 2], [1, 3], [3, 1], [1, 2, 3]):
        put(tmp_path / "d", "koala", 5, {"si": ("si", [seeds])})
        assert origins(tmp_path / "d", config) == [f"from {seed}" for seed in seeds]


@pytest.mark.parametrize("config", CONFIGS)
def test_other_columns_of_the_same_pictures_are_seen(tmp_path: Path, config: str) -> None:
    """The fingerprint stays, since it is of the pictures alone."""
    folder = tmp_path / "d"
    put(folder, "koala", 5, {"si": ("si", [[1, 2]])})
    version = read_manifest(folder).version
    assert origins(folder, config) == ["from 1", "from 2"]
    table = pq.read_table(next(folder.glob("data/koala/*.parquet")))
    rows = [row | {"origin": "elsewhere"} for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), tmp_path / "new.parquet")
    entry = read_manifest(folder).classes["koala"]
    splits = {"si": split_entry("koala", "si", tmp_path / "new.parquet")}
    entry = entry.model_copy(update={"splits": splits})
    put_class(folder, "made", "micro", "koala", entry, {"si": [tmp_path / "new.parquet"]})
    assert read_manifest(folder).version == version
    assert origins(folder, config) == ["elsewhere", "elsewhere"]
