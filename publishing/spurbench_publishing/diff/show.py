"""A difference for people: 79 columns, one line a change."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any

from spurbench.errors import SHOWN
from spurbench.printing import one_line

from .fields import ABSENT, Change
from .pictures import PictureChanges
from .scores import ScoreChange
from .versions import ClassDifference, Difference, SplitDifference

WIDTH = 79


def lines(found: Difference) -> Iterator[str]:
    """What differs, class by class; of what was recorded of their making, each change once with the
    classes that it is of."""
    before, after = found.before, found.after
    yield from _wrapped(
        f"{before.where} (version {before.manifest.version}) -> "
        f"{after.where} (version {after.manifest.version})"
    )
    if not found.differs:
        yield from _wrapped(f"nothing differs in {_many(found.same, 'class', 'classes')}")
        return
    yield from _fields(found.fields, "")
    for word, slugs in (("added", found.added), ("gone", found.gone)):
        for slug, count in slugs.items():
            yield from _wrapped(f"class {word}: {slug}, {_many(count, 'picture', 'pictures')}")
    for entry in found.classes:
        yield from _class(entry)
    yield from _provenance(found.classes)
    if found.same:
        yield from _wrapped(f"the same: {_many(found.same, 'class', 'classes')}")


def score_lines(spec: str, scores: Sequence[ScoreChange]) -> Iterator[str]:
    """Spurious accuracy before and after in %, a line a class and split."""
    yield ""
    yield from _wrapped(f"spurious accuracy of {spec} in % (of `val` the accuracy)")
    names = [f"{score.slug}/{score.split}" for score in scores]
    wide = max(map(len, names), default=0)
    for name, score in zip(names, scores, strict=True):
        change = "" if None in (score.before, score.after) else f"{_points(score):+7.1f}"
        yield one_line(f"  {name:{wide}} {_share(score.before)} -> {_share(score.after)} {change}")


def _points(score: ScoreChange) -> float:
    return 100 * ((score.after or 0.0) - (score.before or 0.0))


def _share(value: float | None) -> str:
    return f"{'none':>5}" if value is None else f"{100 * value:5.1f}"


def _class(entry: ClassDifference) -> Iterator[str]:
    if not any((entry.fields, entry.added, entry.gone, entry.splits)):
        return
    yield one_line(entry.slug)
    yield from _fields(entry.fields, "  ")
    for word, splits in (("added", entry.added), ("gone", entry.gone)):
        for name, count in splits.items():
            yield from _wrapped(
                f"split {word}: {name}, {_many(count, 'picture', 'pictures')}", "  "
            )
    for split in entry.splits:
        yield from _split(split)


def _split(split: SplitDifference) -> Iterator[str]:
    count = f"{split.before} pictures"
    if split.before != split.after:
        count = f"{split.before} -> {split.after} pictures"
    yield from _wrapped(f"{split.name}: {count}", "  ")
    yield from _fields(split.fields, "    ")
    yield from _pictures(split.pictures)


def _pictures(found: PictureChanges) -> Iterator[str]:
    told = {
        "added": ranges(i for i, _ in found.added),
        "gone": ranges(i for i, _ in found.gone),
        "changed": ranges(i for i, _, _ in found.changed),
        "moved": ", ".join(f"{before} to {after}" for before, after, _ in found.moved),
    }
    for word, where in told.items():
        if where:
            count = len(getattr(found, word))
            yield from _wrapped(f"{count} {word}: {where}", "    ")


def ranges(indices: Iterable[int]) -> str:
    """Whole numbers in ascending order as text, such as ``1-3, 7``."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1][1:] = [index]
        else:
            runs.append([index])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _provenance(classes: Sequence[ClassDifference]) -> Iterator[str]:
    of: dict[str, list[str]] = defaultdict(list)
    for entry in classes:
        for change in entry.provenance:
            of[_said(change)].append(entry.slug)
    if of:
        yield "how the pictures were made"
    for said, slugs in of.items():
        yield from _wrapped(f"{said} ({', '.join(slugs)})", "  ")


def _fields(found: Sequence[Change], indent: str) -> Iterator[str]:
    for change in found:
        yield from _wrapped(_said(change), indent)


def _said(change: Change) -> str:
    return f"{change.path}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    if value is ABSENT:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrap(
        one_line(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
