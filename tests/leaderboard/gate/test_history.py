"""A change against the branch that it goes into, with git itself in a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench_leaderboard.gate import history
from spurbench_leaderboard.gate.reader import Reader
from tests.evaluators.test_cli import call

from .made import NOBODY, Board, edited, git, predictions_of, submitted


def old(made: Board) -> Path:
    (path,) = made.results.rglob("made_old*.json")
    return path


def test_a_pull_request_that_adds_a_result(
    clone: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clone, add, check, render: the README's diff is the new row, and what it makes of
    the old one's rank; then the commit is checked again."""
    monkeypatch.chdir(clone.root)
    new = submitted(clone, "made/new", 2)
    check = ("leaderboard", "check", "--base", "origin/main")
    assert call(monkeypatch, *check, new.relative_to(clone.root)) == 0
    assert capsys.readouterr().out == "1 result checked: 0 errors, 0 notes\n"
    assert call(monkeypatch, "leaderboard", "render", "--check") == 2
    assert call(monkeypatch, "leaderboard", "render") == 0
    changed = [
        line
        for line in git(clone.root, "diff", "-U0", "README.md").splitlines()
        if line[0] in "+-" and line[1] == "|"
    ]
    before, after, added = changed
    assert after == before.replace("-| 1 |", "+| 1 (1-2) |", 1), "its rank is less sure now"
    assert added.startswith("+| 1 (1-2) | `made/new`<br>")
    git(clone.root, "add", ".")
    git(clone.root, "commit", "-q", "-m", "two")
    capsys.readouterr()
    assert (
        call(monkeypatch, *check) == 0
        and call(monkeypatch, "leaderboard", "render", "--check") == 0
    )
    assert capsys.readouterr().out.startswith("2 results checked: 0 errors, 0 notes\n")


def _reworded(path: Path) -> None:
    edited(path, lambda data: data["environment"].update(torch="2.1"))


def _spaced(path: Path) -> None:
    path.write_text(path.read_text() + "\n")


def _deleted(path: Path) -> None:
    path.unlink()


def _linked(path: Path) -> None:
    shutil.copy(path, path.parents[4] / "aside.json")
    path.unlink()
    path.symlink_to(path.parents[4] / "aside.json")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_reworded, "was changed"),
        (_spaced, "was changed"),
        (_deleted, "was deleted"),
        (_linked, "was changed to or from a link"),
        (_folder, "is no file any more"),
    ],
)
@pytest.mark.parametrize("committed", [False, True])
def test_a_pull_request_that_edits_an_old_result_is_refused(
    clone: Board, reader: Reader, change: Callable[[Path], None], said: str, committed: bool
) -> None:
    """Whether it is committed or not, and whichever files are named."""
    new, path = submitted(clone, "made/new", 2), old(clone)
    change(path)
    if committed:
        git(clone.root, "add", "-A")
        git(clone.root, "commit", "-q", "-m", "silently")
    commit = git(clone.root, "rev-parse", "origin/main")[:12]
    wanted = (
        "error",
        "history",
        f"{said} since {commit}: results stay as they are; submit another file",
    )
    assert wanted in clone.found(reader, new, base="origin/main")
    report = clone.check(reader, base="origin/main")
    assert report.code == 1
    assert [f.file for f in report.findings if f.rule == "history"] == [path.as_posix()]


def test_old_predictions_and_known_data_sets_stay_too(clone: Board, reader: Reader) -> None:
    beside, _ = predictions_of(old(clone))
    (known,) = clone.known.rglob("*.json")
    for path in (beside, known):
        with path.open("ab") as file:
            file.write(b"\n")
    report = clone.check(reader, base="main")
    told = {f.file for f in report.findings if f.rule == "history"}
    assert told == {beside.as_posix(), known.as_posix()}


def test_a_new_data_set_is_for_a_person_to_look_at(clone: Board, reader: Reader) -> None:
    extra = clone.known / "micro" / "extra.json"
    shutil.copy(next(clone.known.rglob("*.json")), extra)
    said = "adds to the known data sets: who merges it vouches for the pictures"
    assert clone.found(reader, base="main") == [("note", "data", said)]


def test_what_changed_on_the_branch_itself_is_not_the_submitters(
    clone: Board, reader: Reader
) -> None:
    """The base goes on after the change began, losing and gaining files: only the merge base counts."""
    new = submitted(clone, "made/new", 2)
    git(clone.root, "add", ".")
    git(clone.root, "commit", "-q", "-m", "mine")
    git(clone.root, "switch", "-q", "main")
    for file in old(clone).parent.glob("made_old*"):
        git(clone.root, "rm", "-q", str(file))
    for file in submitted(clone, "made/later", 3).parent.glob("made_later*"):
        git(clone.root, "add", str(file))
    git(clone.root, "commit", "-q", "-m", "theirs")
    git(clone.root, "switch", "-q", "mine")
    assert clone.found(reader, new, base="main") == []


def test_attributes_and_hooks_of_a_checkout_have_no_say(clone: Board, reader: Reader) -> None:
    """A filter that hides changes, a hook and a monitor that run a program: contents are hashed here."""
    canary = clone.root.parent / "canary"
    (clone.root / ".gitattributes").write_text("*.json filter=hide diff=hide text eol=crlf ident\n")
    for key in ("filter.hide.clean", "core.fsmonitor", "diff.hide.textconv", "diff.external"):
        git(clone.root, "config", key, f"touch {canary}")
    assert clone.found(reader, base="main") == []
    _spaced(old(clone))
    assert any(rule == "history" for _, rule, _ in clone.found(reader, base="main"))
    assert not canary.exists()


def test_what_a_caller_set_of_git_names_no_other_repository(
    clone: Board, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/nowhere")
    assert clone.found(reader, base="main") == []


@pytest.mark.parametrize("base", ["nowhere", "-h", "--output=x", "main:README.md", "0" * 40, ""])
def test_a_base_that_is_none(clone: Board, reader: Reader, base: str) -> None:
    with pytest.raises(UserError, match="^--base .*: no such commit here; fetch the branch"):
        clone.check(reader, base=base)
    assert not (clone.root / "x").exists()


def test_no_common_history_no_repository_and_no_git(
    clone: Board, made: Board, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(clone.root, "switch", "-q", "--orphan", "alone")
    git(clone.root, "commit", "-q", "--allow-empty", "-m", "x")
    clone.results.mkdir(parents=True, exist_ok=True)
    with pytest.raises(UserError, match="has no common history with what is checked out; fetch"):
        clone.check(reader, base="main")
    shutil.rmtree(made.root / ".git")
    with pytest.raises(UserError, match="--base wants a git repository .*; leave --base out"):
        made.check(reader, base="main")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(UserError, match="^--base: git is not installed; install it, or leave"):
        made.check(reader, base="main")


def test_a_shallow_clone_says_what_to_do(
    clone: Board, reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(clone.root, "commit", "-q", "--allow-empty", "-m", "two")
    shallow = tmp_path_factory.mktemp("shallow") / "it"
    words = [
        "git",
        "clone",
        "-q",
        "--depth",
        "1",
        "--branch",
        "mine",
        f"file://{clone.root}",
        str(shallow),
    ]
    subprocess.run(words, check=True, env=os.environ | NOBODY)
    with pytest.raises(
        UserError, match="no such commit here; fetch the branch that the change goes"
    ):
        Board(shallow, clone.data).check(reader, base="origin/main")


def test_hashes_are_gits(clone: Board) -> None:
    path = old(clone)
    assert (
        history._blob(path, 40) == git(clone.root, "hash-object", "--no-filters", str(path)).strip()
    )
