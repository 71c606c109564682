"""Several processes on one class, and classes over several folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from spurbench import plugins
from spurbench.dataset.manifest import read_manifest
from spurbench.errors import UserError
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.run import check as check_module
from spurbench_builders.run.check import check_settings
from spurbench_builders.run.shards import Shard, merge_data_sets, parse_shard, shard_folder
from tests.builders.run.test_build import digests
from tests.conftest import make_class

RECIPE = {
    "extends": "micro",
    "name": "pair",
    "references": {"pool": 24, "count": 3, "validation": 2},
    "prior": {"images": 4},
    "training": {"steps": 6, "batch": 2},
    "sampling": {"steps": 3, "batch": 2},
}


def launched(folder: Path, out: str, processes: int) -> list[dict[str, float]]:
    """Build a class in so many processes; the losses of its steps."""
    (folder / "pair.yaml").write_text(yaml.safe_dump(RECIPE))
    words = ["build", "--recipe", "pair.yaml", "--classes", "hummingbird", "--images", "6"]
    start = [sys.executable, "-m", "spurbench"]
    if processes > 1:  # what `accelerate launch` uses on GPUs; on CPUs it wants mpirun
        how = ["torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        start = [sys.executable, "-m", *how, "-m", "spurbench"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*start, *words, "--out", out], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (log,) = (folder / f"{out}.work").glob("*/train/losses.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_two_processes_train_as_one_does_with_the_same_global_batch(tmp_path: Path) -> None:
    alone, together = launched(tmp_path, "one", 1), launched(tmp_path, "two", 2)
    assert len(alone) == len(together) == 6
    for one, two in zip(alone, together, strict=True):
        assert one == pytest.approx(two, rel=2e-3, abs=1e-4)
    entries = [read_manifest(tmp_path / name).classes["hummingbird"] for name in ("one", "two")]
    assert [entry.provenance["processes"] for entry in entries] == [1, 2]
    weights = [
        load_file(next((tmp_path / f"{name}.work").glob("*/train/weights.safetensors")))
        for name in ("one", "two")
    ]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=2e-4)
    assert entries[0].splits["si"] == entries[1].splits["si"]
    assert entries[1].splits["generated"].pictures == 6


def test_shards_share_the_classes_out() -> None:
    cards = plugins.domain("imagenet").cards()
    parts = [Shard(i, 3).of(cards) for i in (1, 2, 3)]
    assert {c.name for part in parts for c in part} == {c.name for c in cards}
    assert sum(map(len, parts)) == len(cards)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert parse_shard("2/3") == Shard(2, 3)
    assert shard_folder(Path("x/spurbench"), Shard(2, 3)) == Path("x/spurbench.shard-2-of-3")
    assert shard_folder(Path("x"), Shard(1, 1)) == Path("x")
    for wrong in ("0/3", "4/3", "1", "a/b", "1/0", "-1/3"):
        with pytest.raises(UserError, match="give I/N with I from 1 to N"):
            parse_shard(wrong)


def test_merged_shards_are_the_bytes_of_the_whole(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", [tmp_path / "part1", tmp_path / "part2"]
    for i, name in enumerate(("koala", "gondola", "fireboat")):
        make_class(whole, tmp_path / "aside", name, label=i, seed=i)
        make_class(parts[i % 2], tmp_path / "aside", name, label=i, seed=i)
    merge_data_sets(parts, tmp_path / "merged")
    assert digests(tmp_path / "merged") == digests(whole)
    assert set(read_manifest(tmp_path / "merged").classes) == {"koala", "gondola", "fireboat"}


def test_what_cannot_be_merged_leaves_nothing_behind(tmp_path: Path) -> None:
    make_class(tmp_path / "a", tmp_path / "aside", "koala", seed=1)
    make_class(tmp_path / "b", tmp_path / "aside", "koala", seed=2)
    make_class(tmp_path / "c", tmp_path / "aside", "tench", domain="imagenet")
    out = tmp_path / "out"
    with pytest.raises(UserError, match="class 'koala' differs between"):
        merge_data_sets([tmp_path / "a", tmp_path / "b"], out)
    with pytest.raises(UserError, match="different domains"):
        merge_data_sets([tmp_path / "a", tmp_path / "c"], out)
    (tmp_path / "b" / "data" / "koala" / "si-00000-of-00001.parquet").write_bytes(b"cut")
    with pytest.raises(UserError, match="differs from what manifest.json records"):
        merge_data_sets([tmp_path / "b"], out)
    assert not out.exists()


def test_a_manifest_that_names_places_outside_is_refused(tmp_path: Path) -> None:
    make_class(tmp_path / "a", tmp_path / "aside", "koala")
    manifest = tmp_path / "a" / "manifest.json"
    data = json.loads(manifest.read_text())
    data["classes"]["../../escaped"] = data["classes"].pop("koala")
    manifest.write_text(json.dumps(data))
    with pytest.raises(UserError, match="not a spurbench manifest"):
        merge_data_sets([tmp_path / "a"], tmp_path / "deep" / "out")
    assert not (tmp_path / "escaped").exists()


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    domain, recipe = plugins.domain("micro"), load_recipe("micro")
    check_settings(recipe, domain, 1)
    with pytest.raises(UserError, match="batch 1 cannot be shared out equally over 4 processes"):
        check_settings(recipe, domain, 4)


def test_settings_for_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = plugins.domain("micro")
    weighted = derived(load_recipe("micro"), {"similarity": {"class_weights": {"koalla": 1}}}, "x")
    with pytest.raises(UserError, match="class_weights 'koalla'; did you mean 'koala'"):
        check_settings(weighted, domain, 1)
    monkeypatch.setattr(check_module, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'spurbench\[lora\]'"):
        check_settings(load_recipe("micro-lora"), domain, 1)
