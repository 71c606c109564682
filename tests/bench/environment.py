"""What a record of a benchmark says of where it was made, and how records are kept."""

from __future__ import annotations

import json
import os
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "diffusers", "transformers", "accelerate")


def environment(device: str) -> dict[str, Any]:
    """Versions, cores and threads, and the accelerator's name where one was used."""
    installed = {d.name for d in distributions()}
    return {
        "versions": {name: version(name) for name in PACKAGES if name in installed},
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
    }


def update_record(path: Path, key: str, found: dict[str, Any]) -> None:
    """Put what was found under its key; other keys of the record stay."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[key] = found
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
