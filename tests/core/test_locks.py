"""Locks between processes: one at a time, gone with the process, indifferent to a removed file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spurbench.locks import held

HOLD = (
    "import sys; from pathlib import Path; from spurbench.locks import held\n"
    "with held(Path(sys.argv[1])) as mine:\n"
    "    print(mine, flush=True)\n"
    "    sys.stdin.read()\n"
)


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock."""
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "True\n"
        yield other
        other.kill()


def test_one_process_holds_it_and_killing_that_one_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "sub" / ".lock"
    with holder(path) as other:
        with held(path) as mine:
            assert not mine
        other.kill()
        other.wait()
        with held(path) as mine:
            assert mine


def test_who_waits_gets_it_once_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with holder(path) as other:
        assert other.stdin is not None
        other.stdin.close()  # it ends by itself while we wait
        with held(path, wait=True) as mine:
            assert mine
    with held(path) as mine, held(path) as again:
        assert mine and not again


def test_a_lock_whose_file_was_removed_by_its_holder_guards_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with held(path) as mine:
        assert mine
        path.unlink()
    with holder(path), held(path) as mine:
        assert not mine


def test_what_cannot_be_opened_is_not_asked_for_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / ("n" * 300)):
        with pytest.raises(OSError, match="Is a directory|too long"), held(path, wait=True):
            pass
