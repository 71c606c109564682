"""Published, then loaded by others: huggingface_hub's and datasets' own clients, in processes that know
of the hub from HF_ENDPOINT alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from .conftest import Call
from .sets import NAME, first, second
from .state import Hub

PUBLISH = ("publish", "spurbench", "--repo-id", NAME, "--yes")
Python = Callable[[str], str]


def origins(folder: Path, slug: str, split: str) -> list[str]:
    files = sorted((folder / "data" / slug).glob(f"{split}-*.parquet"))
    return [origin for file in files for origin in pq.read_table(file)["origin"].to_pylist()]


LOAD = f"""
import json
from datasets import load_dataset

told = {{}}
rows = load_dataset("{NAME}", "hummingbird", split="generated")
told["loaded"] = rows["origin"][:]
told["size"] = rows[0]["image"].size
stream = load_dataset("{NAME}", "koala", split="generated", streaming=True)
told["streamed"] = [row["origin"] for row in stream]
told["default"] = {{name: len(split) for name, split in load_dataset("{NAME}").items()}}
print(json.dumps(told))
"""


def test_by_its_id_it_loads_and_streams(hub: Hub, here: Path, call: Call, python: Python) -> None:
    folder = first(here / "spurbench")
    assert call(*PUBLISH) == 0
    assert json.loads(python(LOAD)) == {
        "loaded": origins(folder, "hummingbird", "generated"),
        "size": [6, 4],
        "streamed": origins(folder, "koala", "generated"),
        "default": {"si": 3, "generated": 5},
    }


ONE = """
import json
from datasets import load_dataset

revisions = {revisions}
found = [
    load_dataset("org/spurbench", "koala", split="si", revision=revision)["origin"][:]
    for revision in revisions
]
print(json.dumps(found))
"""


def test_no_cache_serves_an_older_version_and_a_pin_holds(
    hub: Hub, here: Path, call: Call, python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = first(here / "spurbench")
    assert call(*PUBLISH) == 0
    old = origins(folder, "koala", "si")
    assert json.loads(python(ONE.format(revisions=[None, "1.0.0"]))) == [old, old]
    second(folder)
    assert call(*PUBLISH, "--create-pr") == 0
    new = origins(folder, "koala", "si")
    assert old == ["from 1", "from 2"] and new == ["from 1", "from 7"]
    revisions = [None, "1.0.0", "refs/pr/1"]
    assert json.loads(python(ONE.format(revisions=revisions))) == [old, old, new]
    assert call(*PUBLISH) == 0
    commit = hub.repositories[NAME].tags["1.0.0"]
    revisions = [None, "1.0.0", "2.0.0", commit]
    assert json.loads(python(ONE.format(revisions=revisions))) == [new, old, new, old]


def test_what_was_pulled_loads_without_a_network(
    hub: Hub, here: Path, call: Call, python: Python, tmp_path: Path
) -> None:
    folder = first(here / "spurbench")
    assert call(*PUBLISH) == 0
    assert call("pull", NAME, "--classes", "koala", "--out", tmp_path / "spurbench") == 0
    hub.requests.clear()
    program = """
import os
os.environ["HF_HUB_OFFLINE"] = "1"
from datasets import load_dataset
print(load_dataset("spurbench", "koala", split="generated")["origin"][:])
"""
    assert python(program).strip() == str(origins(folder, "koala", "generated"))
    assert hub.requests == []
