"""The hash of packages' own code, by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.conftest import ROOT


def code_by_hand(*folders: str) -> str:
    """The hash of every Python file below folders of the checkout, under their packages' names."""
    hashes = {
        f"{Path(folder).name}/{path.relative_to(ROOT / folder).as_posix()}": hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }
    text = json.dumps(hashes, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
