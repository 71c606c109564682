"""Steps are finished or not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench_builders.steps import Progress, only_one, run_step


def writer(text: str, calls: list[str]) -> object:
    def make(folder: Path) -> Iterator[Progress]:
        calls.append(text)
        (folder / "out.txt").write_text(text)
        yield Progress("koala", "test", 1, 1)

    return make


def test_a_finished_step_runs_once_and_an_altered_one_again(tmp_path: Path) -> None:
    calls: list[str] = []
    make = writer("hello", calls)
    assert len(list(run_step(tmp_path, "a", make))) == 1  # type: ignore[arg-type]
    assert list(run_step(tmp_path, "a", make)) == []  # type: ignore[arg-type]
    (tmp_path / "a" / "out.txt").write_text("altered")
    list(run_step(tmp_path, "a", make))  # type: ignore[arg-type]
    assert calls == ["hello", "hello"]
    assert (tmp_path / "a" / "out.txt").read_text() == "hello"


def test_a_failing_step_is_not_finished(tmp_path: Path) -> None:
    def fail(folder: Path) -> Iterator[Progress]:
        yield Progress("koala", "test", 0, 1)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        list(run_step(tmp_path, "a", fail))
    assert not (tmp_path / "a").exists()


def test_two_builds_of_one_folder_exclude_each_other(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(UserError, match="another build"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass
