"""The data set folder: a real round trip through `datasets`, and what refuses to be one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.read import open_data_set
from spurbench.pictures import png_bytes
from tests.conftest import make_class, picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "spurbench", tmp_path / "aside", "koala", 5)
    make_class(tmp_path / "spurbench", tmp_path / "aside", "gondola", 3, seed=50)
    return tmp_path / "spurbench"


def test_load_dataset_by_name_from_the_folder_above(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    every = load_dataset("spurbench")
    assert {name: len(split) for name, split in every.items()} == {
        "si": 6,
        "generated": 6,
        "val": 6,
    }
    koala = load_dataset("spurbench", "koala", split="generated")
    assert koala["label"] == [5, 5, 5]
    assert koala[1]["image"].tobytes() == picture(1).tobytes()


def test_a_rebuild_is_not_served_from_a_stale_cache(folder: Path, tmp_path: Path) -> None:
    before = load_dataset(str(folder), "koala", split="generated")[0]["sha256"]
    make_class(folder, tmp_path / "aside", "koala", 5, seed=900)
    after = load_dataset(str(folder), "koala", split="generated")[0]["sha256"]
    assert before != after
    every = load_dataset(str(folder), split="generated")
    assert after in every["sha256"] and before not in every["sha256"]


def test_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_class(tmp_path / name, tmp_path / f"{name}-aside")
    first, second = ((tmp_path / n) for n in ("a", "b"))
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    assert all((first / p).read_bytes() == (second / p).read_bytes() for p in files)


def test_reading_gives_back_what_was_written(folder: Path) -> None:
    pictures = list(open_data_set(folder).pictures(["koala"]))
    assert [(p.split, p.index) for p in pictures][:4] == [
        ("generated", 0),
        ("generated", 1),
        ("generated", 2),
        ("si", 0),
    ]
    assert pictures[0].data == png_bytes(picture(0))


def test_version_follows_the_content(folder: Path, tmp_path: Path) -> None:
    before = read_manifest(folder).version
    make_class(folder, tmp_path / "aside", "koala", 5)
    assert read_manifest(folder).version == before
    make_class(folder, tmp_path / "aside", "koala", 5, seed=1)
    assert read_manifest(folder).version != before


def test_loads_in_a_fresh_process_offline(folder: Path) -> None:
    code = "from datasets import load_dataset; print(load_dataset('spurbench','gondola')['val'][2]['index'])"
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parent, env=env, capture_output=True, text=True
    )
    assert done.stdout.strip() == "2", done.stderr
