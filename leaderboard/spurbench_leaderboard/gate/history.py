"""What was there before: files of the commit that a change begins from, by git's own objects.

Contents are compared by git's hash, computed here: no filter, attribute or hook of a checkout has a say.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spurbench.errors import UserError, short
from spurbench.reading import is_file, read_bytes

from .findings import Finding, shown

SAFE = (
    "--no-optional-locks",
    *("-c", "core.fsmonitor=false"),
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.quotePath=false"),
)
PATIENCE_SECONDS = 120
WAY_OUT = "fetch the branch that the change goes into with its history, and name it with --base"


@dataclass(frozen=True)
class Before:
    """Files at a commit: git's hash by path, and which of them are links."""

    commit: str
    files: dict[Path, str]
    links: frozenset[Path]


def before(folders: list[Path], base: str) -> Before:
    """The files below folders at the merge base of a commit and the checked out one.

    UserError where there is no git, no repository, no such commit, or no common history.
    """
    (top,) = _git(folders[0], "rev-parse", "--show-toplevel") or [""]
    root = Path(top)
    commit = _commit(root, base)
    files: dict[Path, str] = {}
    links: set[Path] = set()
    for folder in folders:
        inside = _inside(folder, root)
        below = [] if inside == "." else ["--", f"{inside}/"]
        for line in _git(root, "ls-tree", "-r", "-z", "--full-tree", commit, *below):
            facts, _, name = line.partition("\t")
            mode, _, digest = facts.split(" ")
            path = folder / Path(name).relative_to(inside)
            files[path] = digest
            if mode == "120000":
                links.add(path)
    return Before(commit, files, frozenset(links))


def _inside(folder: Path, root: Path) -> str:
    place = folder.resolve()
    if not place.is_relative_to(root.resolve()):
        raise UserError(f"{folder}: is not in the repository {root}; leave --base out")
    return place.relative_to(root.resolve()).as_posix()


def _commit(root: Path, base: str) -> str:
    """The commit at which the change began."""
    try:
        (named,) = _git(
            root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"
        )
    except _FailedError as error:
        raise UserError(f"--base {short(base)}: no such commit here; {WAY_OUT}") from error
    try:
        return _git(root, "merge-base", named, "HEAD")[0]
    except _FailedError as error:
        raise UserError(
            f"--base {short(base)}: has no common history with what is checked out; {WAY_OUT}"
        ) from error


def findings(then: Before) -> Iterator[Finding]:
    """Files of then that are gone or changed since."""
    for path, digest in sorted(then.files.items()):
        if path.is_symlink() != (path in then.links):
            said = "was changed to or from a link"
        elif not os.path.lexists(path):
            said = "was deleted"
        elif path not in then.links and not is_file(path):
            said = "is no file any more"
        elif path not in then.links and _blob(path, len(digest)) != digest:
            said = "was changed"
        else:
            continue
        message = f"{said} since {then.commit[:12]}: results stay as they are; submit another file"
        yield Finding(shown(path), "error", "history", message)


def _blob(path: Path, digits: int) -> str:
    """Git's hash of a file as it lies on the disk, in a repository of hashes of so many digits."""
    data = read_bytes(path)
    kind = "sha1" if digits == 40 else "sha256"
    found = hashlib.new(kind, b"blob %d\0" % len(data), usedforsecurity=False)
    found.update(data)
    return found.hexdigest()


class _FailedError(Exception):
    """Git says no."""


def _git(folder: Path, *words: str) -> list[str]:
    """What git prints in the folder, a line (or, of what ends with NUL, a part) each."""
    # What a hook or a caller set names other repositories.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment = kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *SAFE, "-C", str(folder), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise UserError("--base: git is not installed; install it, or leave --base out") from error
    except subprocess.TimeoutExpired as error:
        raise UserError(f"--base: git does not answer in {PATIENCE_SECONDS} s") from error
    said = os.fsdecode(done.stdout)
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        if "not a git repository" in reason or "dubious ownership" in reason:
            raise UserError(f"{folder}: --base wants a git repository ({reason}); leave --base out")
        raise _FailedError(reason)
    return [line for line in said.split("\0" if "-z" in words else "\n") if line]
