"""A board without results, whose data set no test changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.leaderboard.gate.made import Board, board


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Board:
    return board(tmp_path_factory.mktemp("board"))


@pytest.fixture
def made(shared: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.chdir(tmp_path)
    return replace(shared, root=tmp_path)
