"""The hash of packages' own code, by hand."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path

from tests.conftest import ROOT


def code_by_hand(*packages: str) -> str:
    """The hash of every Python file of packages of the checkout, under their names."""
    hashes = {}
    for package in packages:
        (folder,) = import_module(package).__path__
        root = Path(folder)
        assert root.is_relative_to(ROOT), "this checkout's, not an installed one"
        for path in root.rglob("*.py"):
            name = f"{package}/{path.relative_to(root).as_posix()}"
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    text = json.dumps(hashes, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
