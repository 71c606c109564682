"""Steps are finished or not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench_builders.progress import Progress
from spurbench_builders.steps.finished import (
    append_line,
    borrow_step,
    is_finished,
    only_one,
    run_step,
)


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


def test_a_log_drops_what_a_killed_run_wrote_beyond_its_checkpoint(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    for i in range(4):
        append_line(log, i, f"first {i}")
    with log.open("a") as torn:
        torn.write("half a li")
    for i in (2, 3):
        append_line(log, i, f"second {i}")
    assert log.read_text() == "first 0\nfirst 1\nsecond 2\nsecond 3\n"
    append_line(log, 0, "anew")
    assert log.read_text() == "anew\n"


def test_a_borrowed_step_that_lost_a_file_is_borrowed_again(tmp_path: Path) -> None:
    def make(folder: Path) -> Iterator[Progress]:
        (folder / "found.txt").write_text("x")
        yield Progress("c", "s", 1, 1)

    one, two = tmp_path / "one", tmp_path / "two"
    list(run_step(one, "prior", make, "key"))
    assert borrow_step(two, "prior", "key")
    (two / "prior" / "found.txt").unlink()
    assert not is_finished(two, "prior")
    assert borrow_step(two, "prior", "key") and is_finished(two, "prior")
    (one / "prior" / "inputs.json").write_text("{torn")
    (two / "prior" / "step.json").write_text("[]")
    assert not is_finished(two, "prior") and not borrow_step(tmp_path / "three", "prior", "key")


def test_a_step_is_borrowed_by_its_key_and_only_while_unaltered(tmp_path: Path) -> None:
    def make(folder: Path) -> Iterator[Progress]:
        (folder / "found.txt").write_text("x")
        yield Progress("c", "s", 1, 1)

    one, two, three = (tmp_path / n for n in ("one", "two", "three"))
    list(run_step(one, "prior", make, "key"))
    assert not borrow_step(two, "prior", "other key")
    assert borrow_step(two, "prior", "key") and is_finished(two, "prior")
    assert (two / "prior" / "found.txt").read_text() == "x"
    for root in (one, two):
        (root / "prior" / "found.txt").unlink()
        (root / "prior" / "found.txt").write_text("y")
    assert not borrow_step(three, "prior", "key") and not is_finished(two, "prior")
