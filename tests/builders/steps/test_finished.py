"""Steps are finished or not there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench_builders.progress import Progress
from spurbench_builders.steps.finished import (
    append_line,
    borrow_step,
    is_finished,
    is_sealed,
    load_json,
    only_one,
    part_folder,
    picture_files,
    run_step,
    save_json,
)


def files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


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


def test_a_step_is_sealed_only_when_it_is_whole(tmp_path: Path) -> None:
    """At every event, whether of an unfinished step or one that is made again."""
    seen: list[list[str]] = []

    def make(folder: Path) -> Iterator[Progress]:
        assert folder == tmp_path / ".a.part"
        for i in range(3):
            (folder / f"{i}.txt").write_text(f"{i}")
            yield Progress("koala", "test", i, 3)
        (folder / "sub").mkdir()
        (folder / "sub" / "last.txt").write_text("last")

    for _ in run_step(tmp_path, "a", make, "key"):
        seen.append([p.name for p in tmp_path.rglob("step.json")])
        assert not is_finished(tmp_path, "a") and not (tmp_path / "a").exists()
        assert not is_sealed(tmp_path / ".a.part") and not borrow_step(tmp_path, "a", "key")
    assert seen == [[], [], []]
    assert is_finished(tmp_path, "a") and not (tmp_path / ".a.part").exists()
    files = {"0.txt": "0", "1.txt": "1", "2.txt": "2", "sub/last.txt": "last"}
    files["inputs.json"] = '{\n "key": "key"\n}\n'
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    assert json.loads((tmp_path / "a" / "step.json").read_text()) == hashes
    assert (tmp_path / "a" / "inputs.json").read_text() == files["inputs.json"]


@pytest.mark.parametrize("name", ["0.txt", "sub/1.txt"])
def test_every_change_of_a_file_breaks_the_seal(tmp_path: Path, name: str) -> None:
    def make(folder: Path) -> Iterator[Progress]:
        (folder / "sub").mkdir()
        for each in ("0.txt", "sub/1.txt"):
            (folder / each).write_text(each)
        yield Progress("koala", "test", 1, 1)

    list(run_step(tmp_path, "a", make))
    assert is_sealed(tmp_path / "a") and not (tmp_path / "a" / "inputs.json").exists()
    (tmp_path / "a" / name).write_text("other")
    assert not is_sealed(tmp_path / "a")
    (tmp_path / "a" / name).write_text(name)
    assert is_sealed(tmp_path / "a")
    (tmp_path / "a" / "more.txt").write_text("more")
    assert not is_sealed(tmp_path / "a")
    (tmp_path / "a" / "more.txt").unlink()
    (tmp_path / "a" / name).rename(tmp_path / "a" / "elsewhere.txt")
    assert not is_sealed(tmp_path / "a") and not is_sealed(tmp_path / "b")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "step.json").write_text("{}")
    assert not is_sealed(tmp_path / "b"), "an empty seal is none"


def test_what_a_killed_step_left_it_finds_again(tmp_path: Path) -> None:
    left = part_folder(tmp_path / "deep", "a")
    assert left == tmp_path / "deep" / ".a.part" == part_folder(tmp_path / "deep", "a")
    (left / "half.txt").write_text("half")
    list(run_step(tmp_path / "deep", "a", lambda folder: iter(())))
    assert (tmp_path / "deep" / "a" / "half.txt").read_text() == "half"


def test_an_altered_step_leaves_nothing_of_itself(tmp_path: Path) -> None:
    calls: list[str] = []
    list(run_step(tmp_path, "a", writer("x", calls)))  # type: ignore[arg-type]
    (tmp_path / "a" / "stray.txt").write_text("stray")
    list(run_step(tmp_path, "a", writer("x", calls)))  # type: ignore[arg-type]
    assert not (tmp_path / "a" / "stray.txt").exists() and calls == ["x", "x"]


def test_a_borrowed_step_is_a_copy_of_all_its_files_and_of_none_besides(tmp_path: Path) -> None:
    """Of the first whole one with the key, whatever lies in the way; never a step of another name."""

    def make(folder: Path) -> Iterator[Progress]:
        (folder / "sub").mkdir(exist_ok=True)
        (folder / "sub" / "é.txt").write_text("found")
        yield Progress("c", "s", 1, 1)

    list(run_step(tmp_path / "one", "prior", make, "key"))
    assert not borrow_step(tmp_path / "two", "train", "key")
    (part_folder(tmp_path / "two", "prior") / "stale.txt").write_text("stale")
    assert borrow_step(tmp_path / "two", "prior", "key")
    found = {p.relative_to(tmp_path / "two" / "prior").as_posix() for p in files(tmp_path / "two")}
    assert found == {"sub/é.txt", "inputs.json", "step.json"}
    assert not (tmp_path / "two" / ".prior.part").exists()
    # From the first by name that is whole: here the second.
    (tmp_path / "one" / "prior" / "step.json").unlink()
    assert borrow_step(tmp_path / "three", "prior", "key")
    assert is_finished(tmp_path / "three", "prior")


def test_where_links_cannot_be_made_a_borrowed_step_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    calls: list[str] = []
    list(run_step(tmp_path / "one", "a", writer("x", calls), "key"))  # type: ignore[arg-type]
    assert borrow_step(tmp_path / "two", "a", "key")
    out = tmp_path / "two" / "a" / "out.txt"
    assert out.stat().st_ino == (tmp_path / "one" / "a" / "out.txt").stat().st_ino
    monkeypatch.setattr(os, "link", refuse)
    assert borrow_step(tmp_path / "three", "a", "key") and is_finished(tmp_path / "three", "a")
    copied = tmp_path / "three" / "a" / "out.txt"
    assert copied.read_text() == "x" and copied.stat().st_ino != out.stat().st_ino


def test_pictures_come_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("00010.png", "00002.png", "00001.png", "losses.jsonl", ".00003.png.part"):
        (tmp_path / name).write_text("x")
    straight = Path.glob

    def backwards(self: Path, pattern: str) -> Iterator[Path]:
        return iter(sorted(straight(self, pattern), reverse=True))

    monkeypatch.setattr(Path, "glob", backwards)
    assert [p.name for p in picture_files(tmp_path)] == ["00001.png", "00002.png", "00010.png"]


def test_json_is_written_to_be_read(tmp_path: Path) -> None:
    value = {"b": [1, 2.5], "a": "é"}
    save_json(tmp_path / "x.json", value)
    assert (tmp_path / "x.json").read_text("utf-8").startswith('{\n "b": [\n  1,')
    assert "é" in (tmp_path / "x.json").read_text("utf-8")
    assert load_json(tmp_path / "x.json") == value


def test_two_builds_of_one_folder_exclude_each_other(tmp_path: Path) -> None:
    with (
        only_one(tmp_path),
        pytest.raises(UserError, match="another build of this is running; wait for it, or stop it"),
        only_one(tmp_path),
    ):
        pass
    assert (tmp_path / ".lock").is_file()
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
