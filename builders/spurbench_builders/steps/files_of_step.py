"""The picture files of a finished step."""

from __future__ import annotations

from pathlib import Path


def picture_files(folder: Path) -> list[Path]:
    """Its pictures, in order."""
    return sorted(folder.glob("*.png"))
