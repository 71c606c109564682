"""The report for people: every kind of finding once, with its places and the way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from spurbench.printing import one_line

from .kinds import KINDS
from .report import Finding, Report

WIDTH = 79
SHOWN = 10
"""Places of a kind that are shown; `--json` has all."""


def lines(report: Report) -> Iterator[str]:
    """The report's lines, at most 79 columns wide but for names that are longer."""
    for kind, found in groupby(report.findings, key=lambda finding: finding.kind):
        yield from _kind(kind, list(found))
    yield from wrap(_verdict(report), WIDTH, break_long_words=False, break_on_hyphens=False)


def _kind(name: str, found: Sequence[Finding]) -> Iterator[str]:
    kind = KINDS[name]
    yield from _indented(f"{kind.severity}: {kind.title} ({name})", "", "      ")
    for finding in found[:SHOWN]:
        said = f": {finding.what}" if finding.what else ""
        yield from _indented(f"{finding.place}{said}", "  ", "      ")
    if len(found) > SHOWN:
        yield f"  and {len(found) - SHOWN} more; --json lists all"
    yield from _indented(f"way out: {kind.way_out}", "  ", "      ")
    yield ""


def _indented(text: str, first: str, later: str) -> list[str]:
    return wrap(
        one_line(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _verdict(report: Report) -> str:
    version = f", version {report.version}" if report.version else ""
    commit = f", commit {report.commit[:12]}" if report.commit else ""
    held = f"{_many(report.classes, 'class', 'classes')}, {_many(report.pictures, 'picture')}"
    faults, notes = report.count("fault"), report.count("note")
    told = f"{_many(faults, 'fault')}, {_many(notes, 'note')}" if faults else "sound"
    if notes and not faults:
        told += f", {_many(notes, 'note')}"
    return one_line(f"{report.where}{version}{commit}: {held}: {told}")


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
