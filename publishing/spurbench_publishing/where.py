"""Where a data set is that a command names: a folder here, or a snapshot from the hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spurbench.dataset.hub import is_hub_id, snapshot
from spurbench.reading import is_folder


def folder_of(text: str, only: Sequence[str] | None = None) -> Path:
    """The folder that a path or hub id (OWNER/NAME, perhaps with @REVISION) stands for; of a hub id the
    files that ``only`` has patterns for. A path that is not there and can be no hub id is given back
    as it is: who opens it says so."""
    path = Path(text)
    if is_folder(path) or path.exists() or not is_hub_id(text):
        return path
    return snapshot(text, only=only)
