"""A process that decodes for a module's tests, and a board without results."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from spurbench_leaderboard.command import render
from spurbench_leaderboard.gate.reader import Reader
from spurbench_leaderboard.markdown import BEGIN, END

from .made import NOBODY, Board, board, git, submitted


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


@pytest.fixture
def clone(made: Board, empty: Board, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A clone, on a branch of its own, of a repository with one result and a README that shows it."""
    submitted(made, "made/old", 1)
    (made.root / "README.md").write_text(f"# Board\n\n{BEGIN}\n{END}\n")
    render(made.results, made.root / "README.md", check=False)
    git(made.root, "init", "-q", "-b", "main")
    git(made.root, "add", ".")
    git(made.root, "commit", "-q", "-m", "one")
    root = tmp_path_factory.mktemp("clone") / "it"
    subprocess.run(["git", "clone", "-q", made.root, root], check=True, env=os.environ | NOBODY)
    git(root, "switch", "-q", "-c", "mine")
    return Board(root, empty.data)
