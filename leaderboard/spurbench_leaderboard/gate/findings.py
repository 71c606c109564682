"""What a check finds, and how it is told: as lines, as data, as annotations of a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from spurbench.printing import one_line

Level = Literal["error", "note"]
WORDS: dict[Level, str] = {"error": "error", "note": "notice"}
"""What GitHub calls an annotation of a level."""


@dataclass(frozen=True, order=True)
class Finding:
    """Something that a file is found to be or to hold; ``rule`` is the part of the check that found it.
    An error keeps the file out, a note is for who reads the table."""

    file: str
    level: Level
    rule: str
    message: str


@dataclass(frozen=True)
class Report:
    """What a check looked at and found, by file; ``skipped`` says what was not looked at, and why."""

    files: tuple[str, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...] = ()

    @property
    def errors(self) -> int:
        """How many findings keep a file out."""
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def code(self) -> int:
        """The exit code: 1 where something keeps a file out."""
        return int(self.errors > 0)

    def summary(self) -> str:
        """The last line: what was looked at and how it ended."""
        notes = len(self.findings) - self.errors
        return (
            f"{_counted(len(self.files), 'result')} checked: {_counted(self.errors, 'error')}, "
            f"{_counted(notes, 'note')}"
        )


def shown(path: Path) -> str:
    """A file as findings name it: from the working folder where it lies below, with slashes."""
    whole = path.absolute()
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


def as_lines(report: Report) -> Iterator[str]:
    """The report for people: a file's findings below its name, then what was not looked at, and the
    summary."""
    for file, found in groupby(report.findings, key=lambda finding: finding.file):
        yield inert(file)
        yield from (f"  {f.level}: {f.rule}: {inert(f.message)}" for f in found)
    yield from (inert(line) for line in report.skipped)
    yield report.summary()


def as_data(report: Report) -> dict[str, Any]:
    """The report as one JSON value."""
    return {
        "ok": not report.errors,
        "files": list(report.files),
        "findings": [vars(finding) for finding in report.findings],
        "skipped": list(report.skipped),
    }


def as_annotations(report: Report) -> Iterator[str]:
    """The report as GitHub's workflow commands, which show a finding beside its file."""
    for finding in report.findings:
        place, title = _property(finding.file), _property(f"leaderboard: {finding.rule}")
        said = _escaped(inert(finding.message))
        yield f"::{WORDS[finding.level]} file={place},title={title}::{said}"
    yield from (f"::notice::{_escaped(inert(line))}" for line in report.skipped)
    yield report.summary()


def inert(text: str) -> str:
    """Text of which no line can be taken for a command by whatever reads a log of GitHub's runners."""
    return re.sub(":(?=:)", ": ", one_line(text)).replace("##[", "# #[")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(inert(text)).replace(":", "%3A").replace(",", "%2C")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def sorted_report(
    files: Iterable[str], findings: Iterable[Finding], skipped: Iterable[str] = ()
) -> Report:
    """A report in the order of files, each thing said once."""
    return Report(tuple(sorted(set(files))), tuple(sorted(set(findings))), tuple(skipped))
