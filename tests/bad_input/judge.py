"""Whether a command met bad input well: one line, nothing left behind, nothing changed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from .child import Ended

PROGRESS = re.compile(
    r"spurbench [a-z-]+: (loading .*|.* pictures a batch, .*|.* goes on after .*|\d+ of \d+: .*|.*now \d+ .*)"
    r"|spurbench (show|leaderboard): .*\(\d+ of \d+\)|import: .*|failed: .*|result: .*|left out as unreadable: .*|shard .*|no plot: .*"
    r"|.{1,60}: (references|prior|train|sample|audit|splits|install|failed|cell|prompt .*) +\d+  .*"
)
"""Lines of a command at work, which may come before its answer."""
KEPT = {
    "build": re.compile(r"(o|made|built)\.work(/.*)?"),
    "ablate": re.compile(r"(o|made)(/.*)?"),
    "eval": re.compile(r"(results|made)(/\.unfinished(/.*)?)?"),
}
"""What may stay after a refusal: finished steps of a build or ablation, answers of a run; the same
command goes on from them."""
STREAMS = "stderr closed, all streams closed, stderr full, stderr left, both full, both left"
HIDDEN = set(STREAMS.split(", "))
"""Surroundings in which an answer goes nowhere."""
REPORTS = {"leaderboard check", "verify"}
"""Commands that report what is wrong with their input on stdout, and then end with exit code 1."""
GONE = 141
"""Of a process whose reader has gone."""

Found = dict[str, tuple[str, ...]]


def snapshot(folder: Path) -> Found:
    """Everything below a folder: kind, mode, and bytes or target."""
    found: Found = {}
    for place, folders, files in os.walk(folder):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        for name in (*folders, *files):
            path = Path(place) / name
            found[str(path.relative_to(folder))] = _told(path)
    return found


def _told(path: Path) -> tuple[str, ...]:
    status = path.lstat()
    mode = oct(stat.S_IMODE(status.st_mode))
    if stat.S_ISLNK(status.st_mode):
        return "link", str(path.readlink())
    if stat.S_ISREG(status.st_mode):
        return "file", mode, hashlib.sha256(path.read_bytes()).hexdigest()
    return ("folder" if stat.S_ISDIR(status.st_mode) else "other"), mode


def faults(
    command: str, ended: Ended, before: Found, after: Found, *, bad: bool, around: str
) -> list[str]:
    """What is wrong with how a command ended; empty for nothing."""
    found = []
    lines = [line for line in ended.err.splitlines() if line and not PROGRESS.fullmatch(line)]
    if ended.code is None:
        return ["hung"]
    if "Traceback" in ended.err or "Exception ignored" in ended.err:
        found.append("traceback")
    left = ended.code == GONE and around in {"stdout left", "both left"}
    reported = command in REPORTS and ended.code == 1
    if reported and lines and around not in HIDDEN:
        found.append("noise on stderr")
    if ended.code not in (0, 2) and not left and not reported:
        found.append(f"exit code {ended.code}")
    if ended.code == 2:
        hidden = around in HIDDEN
        if len(lines) != 1 and not hidden:
            found.append(f"{len(lines)} lines")
        elif lines and not lines[0].startswith("spurbench: "):
            found.append("a line that is not ours")
    elif lines and ended.code == 0:
        found.append("noise on stderr")
    if bad and ended.code == 0:
        found.append("accepted")
    if around not in {"stdout full", "both full"}:  # all was done then, but the line that says so
        found += _changes(command, ended, before, after)
    return found


def _told_of(name: str, ended: Ended) -> bool:
    """Whether it is a result that was told to be there before another model of a list failed, the
    predictions beside it, or a folder that it lies in."""
    results = [Path(told) for told in re.findall("^result: (.+)$", ended.err, re.MULTILINE)]
    path = Path(name)
    return any(
        path in (told, *told.parents)
        or (path.parent == told.parent and re.fullmatch(rf"{re.escape(told.stem)}\.[0-9a-f]{{8}}\.parquet", path.name))
        for told in results
    )  # fmt: skip


def _changes(command: str, ended: Ended, before: Found, after: Found) -> list[str]:
    """Inputs that are no longer what they were, and what a refusal left behind."""
    found = []
    written = command == "leaderboard render" and ended.code != 2
    for name, told in before.items():
        if name in after and after[name] == told:
            continue
        kept = KEPT.get(command)
        if (written and name.endswith(".md")) or (kept and kept.fullmatch(name)):
            continue
        if after.get(name, ("",))[0] == "folder" == told[0] and ended.code == 0:
            continue
        found.append(f"changed {name}")
    if ended.code == 2:
        kept = KEPT.get(command)
        left = [n for n in after if n not in before and not (kept and kept.fullmatch(n))]
        left = [n for n in left if not _told_of(n, ended)]
        found += [f"left {name}" for name in left[:3]]
    if "ran" in after:
        found.append("ran code")
    return found
