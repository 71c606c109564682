"""Loads a data set once in a fresh process, as its users would, and tells what that took.

python -m tests.bench.load_data_set KIND FOLDER MODE, where the caches are said by HF_HOME.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch  # which `datasets` imports when it begins to stream: no part of anybody's time
from datasets import Dataset, IterableDataset, load_dataset

assert torch


SPLITS = {"ours": "generated", "imagefolder": "train", "webdataset": "generated"}


def arguments(kind: str, folder: Path) -> dict[str, Any]:
    """What `load_dataset` is to be told of a folder of this kind."""
    if kind == "ours":
        return {"path": str(folder)}
    if kind == "imagefolder":
        return {"path": "imagefolder", "data_dir": str(folder)}
    tars = sorted(str(path) for path in folder.glob("*.tar"))
    return {"path": "webdataset", "data_files": {"generated": tars}}


def load(kind: str, folder: Path) -> int:
    """Until the first picture is decoded; how many pictures there are."""
    rows: Dataset = load_dataset(**arguments(kind, folder), split=SPLITS[kind])
    rows[0]["png" if kind == "webdataset" else "image"].load()
    return len(rows)


def stream(kind: str, folder: Path) -> int:
    """Every picture decoded, one after another."""
    rows: IterableDataset = load_dataset(
        **arguments(kind, folder), split=SPLITS[kind], streaming=True
    )
    name = "png" if kind == "webdataset" else "image"
    return sum(row[name].load() is not None for row in rows)


def opened(kind: str, folder: Path) -> int:
    """Opened and checked, as every command does."""
    from spurbench.dataset.read import open_data_set

    return open_data_set(folder).count()


MODES = {"load": load, "stream": stream, "open": opened}


def main() -> None:
    kind, folder, mode = sys.argv[1:]
    began = time.perf_counter()
    pictures = MODES[mode](kind, Path(folder))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "pictures": pictures, "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """The most memory that this process had resident; what getrusage tells began with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    held = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(held.split()[1]) / 2**10


if __name__ == "__main__":
    main()
