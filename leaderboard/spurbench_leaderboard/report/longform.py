"""All numbers of a report as CSV, a number a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from spurbench.printing import one_line
from spurbench.results import HeadScore, Interval, Means, Result, SplitScore
from spurbench_leaderboard.tables import asked_framing

from .gathered import Gathered, heads, mean_heads

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""A text that begins so gets a ' before it, as in `spurbench export`: a spreadsheet takes that for the
mark of a text and not for a formula."""
SECTIONS = ("score", "mean", "difference", "answer", "fired", "calibration", "worst", "against")


@dataclass(frozen=True)
class Number:
    """A row. ``count`` of ``total`` pictures are what the value is a share of; ``low`` and ``high`` its
    95 % interval."""

    section: str
    measure: str
    split: str = ""
    class_name: str = ""
    slug: str = ""
    reading: str = ""
    of: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    total: int | None = None


WHO = ("model", "weights_sha256", "data_set", "version", "fingerprint", "framing")
HEADER = (*WHO, *(field.name for field in fields(Number)))
MARK = ",".join(HEADER)


def long_form(gathered: Gathered) -> str:
    """CSV as RFC 4180 has it, in the order of SECTIONS; empty is unknown."""
    result = gathered.result
    who = (
        result.model.spec,
        result.model.weights_sha256,
        result.data.name,
        result.data.version,
        result.data.fingerprint,
        asked_framing(result),
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for number in _numbers(gathered):
        writer.writerow([_cell(value) for value in (*who, *asdict(number).values())])
    return text.getvalue()


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        line = one_line(value)
        return f"'{line}" if line.startswith(FORMULA) else line
    return repr(value)


def _numbers(gathered: Gathered) -> Iterator[Number]:
    for split in gathered.splits:
        for score in gathered.of(split):
            yield from _score(score)
    for split in gathered.splits:
        if split in gathered.result.means:
            yield from _means(split, gathered.result.means[split])
    for reading, gap in gathered.differences:
        yield _bounded("difference", "generated_minus_si", gap, reading=reading)
    yield from _answers(gathered.result)
    for each in gathered.fired:
        yield Number("fired", "pictures", each.split, of=each.name, count=each.pictures)
    yield from _calibration(gathered)
    for found in gathered.worst:
        place = (found.split, found.class_name, found.slug, "restricted", str(found.index))
        yield Number("worst", "probability", *place, value=found.probability)
    yield from _against(gathered)


def _bounded(section: str, measure: str, interval: Interval, **more: str) -> Number:
    bounds = {"value": interval.value, "low": interval.low, "high": interval.high}
    return Number(section, measure, **more, **bounds)  # type: ignore[arg-type]


def _score(score: SplitScore) -> Iterator[Number]:
    place = {"split": score.split, "class_name": score.class_name, "slug": score.slug}
    for reading, head in heads(score):
        at = place | {"reading": reading}
        yield _top1(head, score.n, at)
        if head.top5:
            yield _bounded("score", "top5", head.top5, **at)
        for measure in ("mean_probability", "average_precision", "roc_auc"):
            value = getattr(head, measure)
            if value is not None:
                yield Number("score", measure, **at, value=value)
    if score.spurious_score is not None:
        yield Number("score", "spurious_score", **place, reading="full", value=score.spurious_score)


def _top1(head: HeadScore, total: int, at: dict[str, str]) -> Number:
    top1 = head.top1
    return Number(
        "score", "top1", **at,
        value=top1.value, low=top1.low, high=top1.high, count=head.hits, total=total,
    )  # fmt: skip


def _means(split: str, means: Means) -> Iterator[Number]:
    for reading, head in mean_heads(means):
        for measure in ("top1", "top5", "mean_probability", "average_precision", "roc_auc"):
            value = getattr(head, measure)
            if value is not None:
                yield _bounded("mean", measure, value, split=split, reading=reading)
    if means.spurious_score:
        yield _bounded("mean", "spurious_score", means.spurious_score, split=split, reading="full")


def _answers(result: Result) -> Iterator[Number]:
    for score in sorted(result.scores, key=lambda s: (s.slug, s.split)):
        for reading, head in heads(score):
            for wrong in head.wrong:
                place = (score.split, score.class_name, score.slug, reading, wrong.name)
                yield Number("answer", "wrong", *place, count=wrong.pictures, total=score.n)


def _calibration(gathered: Gathered) -> Iterator[Number]:
    for each in gathered.calibrations:
        for found in each.bins:
            at = {"split": each.split, "of": f"{found.low:.1f} to {found.high:.1f}"}
            yield Number(
                "calibration", f"{each.kind}_expected", **at,
                value=found.expected, total=found.count,
            )  # fmt: skip
            yield Number(
                "calibration", f"{each.kind}_observed", **at,
                value=found.observed, low=found.observed_low, high=found.observed_high,
                total=found.count,
            )  # fmt: skip
        yield Number(
            "calibration", f"{each.kind}_error", each.split, value=each.error, total=each.count
        )


def _against(gathered: Gathered) -> Iterator[Number]:
    found = gathered.against
    if found is None:
        return
    other, reading = found.other.model.spec, "restricted" if found.restricted else "full"
    for gap in found.classes:
        place = (gap.split, gap.class_name, gap.slug, reading, other)
        yield Number("against", "top1_difference", *place, value=gap.gap)
    for mean in found.means:
        at = {"split": mean.split, "reading": reading, "of": other}
        yield _bounded("against", "mean_top1_difference", mean.difference, **at)
        for measure in ("p_value", "p_corrected"):
            value = getattr(mean, measure)
            if value is not None:
                yield Number("against", measure, **at, value=value)
