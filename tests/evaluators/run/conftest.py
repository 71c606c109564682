"""A data set to score."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import make_class


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5, count=8)
    make_class(tmp_path / "data", tmp_path / "aside", "gondola", 3, count=6, seed=500)
    return tmp_path / "data"
