"""Spurious ImageNet as it is handed out, small."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluators.data.layouts import (
    write,
)


@pytest.fixture
def si(tmp_path: Path) -> Path:
    for i in range(3):
        write(tmp_path / "si" / "images" / "spurious_hummingbird_94_1" / f"{i}.png", i)
        write(tmp_path / "si" / "images" / "spurious_koala_105_2" / f"{i}.png", 10 + i)
    return tmp_path / "si"
