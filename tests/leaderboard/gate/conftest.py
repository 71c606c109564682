"""A process that decodes for a module's tests, and a board without results."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from spurbench_leaderboard.gate.reader import Reader

from .made import Board, board


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as made:
        yield made


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Board:
    return board(tmp_path_factory.mktemp("board"))


@pytest.fixture
def made(empty: Board, tmp_path: Path) -> Board:
    """A board of one's own; the data set, which nothing changes, is shared."""
    shutil.copytree(empty.root / "leaderboard", tmp_path / "leaderboard")
    return replace(empty, root=tmp_path)
