"""All numbers of a report as CSV, a number a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace

from spurbench.printing import one_line
from spurbench.results import HeadScore, Interval, Means, Result, SplitScore
from spurbench.scores.comparison import Difference
from spurbench.spreadsheet import inert
from spurbench_leaderboard.tables import asked_framing

from .gathered import Gathered, heads, mean_heads

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
        return inert(one_line(value))
    return repr(value)


def _numbers(gathered: Gathered) -> Iterator[Number]:
    for split in gathered.splits:
        for score in gathered.of(split):
            yield from _score(score)
    for split in gathered.splits:
        if split in gathered.result.means:
            yield from _means(split, gathered.result.means[split])
    for reading, gap in gathered.differences:
        yield _with(Number("difference", "", reading=reading), "generated_minus_si", gap)
    yield from _answers(gathered.result)
    for each in gathered.fired:
        yield Number("fired", "pictures", each.split, of=each.name, count=each.pictures)
    yield from _calibration(gathered)
    for found in gathered.worst:
        place = (found.split, found.class_name, found.slug, "restricted", str(found.index))
        yield Number("worst", "probability", *place, value=found.probability)
    yield from _against(gathered)


def _with(at: Number, measure: str, found: Interval | float) -> Number:
    """A number of what ``at`` says, with its interval if it has one."""
    if isinstance(found, Interval):
        return replace(at, measure=measure, value=found.value, low=found.low, high=found.high)
    return replace(at, measure=measure, value=found)


def _score(score: SplitScore) -> Iterator[Number]:
    place = Number("score", "", score.split, score.class_name, score.slug)
    for reading, head in heads(score):
        at = replace(place, reading=reading)
        top1 = _with(at, "top1", head.top1)
        yield replace(top1, count=head.hits, total=score.n)
        yield from _known(at, head, ("top5", "mean_probability", "average_precision", "roc_auc"))
    yield from _known(replace(place, reading="full"), score, ("spurious_score",))


def _means(split: str, means: Means) -> Iterator[Number]:
    measures = ("top1", "top5", "mean_probability", "average_precision", "roc_auc")
    for reading, head in mean_heads(means):
        yield from _known(Number("mean", "", split, reading=reading), head, measures)
    yield from _known(Number("mean", "", split, reading="full"), means, ("spurious_score",))


def _known(
    at: Number, found: HeadScore | Means | Difference, measures: Sequence[str]
) -> Iterator[Number]:
    """Those of the measures that are known."""
    for measure in measures:
        value = getattr(found, measure)
        if value is not None:
            yield _with(at, measure, value)


def _answers(result: Result) -> Iterator[Number]:
    for score in sorted(result.scores, key=lambda s: (s.slug, s.split)):
        for reading, head in heads(score):
            for wrong in head.wrong:
                place = (score.split, score.class_name, score.slug, reading, wrong.name)
                yield Number("answer", "wrong", *place, count=wrong.pictures, total=score.n)


def _calibration(gathered: Gathered) -> Iterator[Number]:
    for each in gathered.calibrations:
        place = Number("calibration", "", each.split)
        for found in each.bins:
            at = replace(place, of=f"{found.low:.1f} to {found.high:.1f}", total=found.count)
            yield _with(at, f"{each.kind}_expected", found.expected)
            observed = _with(at, f"{each.kind}_observed", found.observed)
            yield replace(observed, low=found.observed_low, high=found.observed_high)
        yield _with(replace(place, total=each.count), f"{each.kind}_error", each.error)


def _against(gathered: Gathered) -> Iterator[Number]:
    found = gathered.against
    if found is None:
        return
    reading = "restricted" if found.restricted else "full"
    place = Number("against", "", reading=reading, of=found.other.model.spec)
    for gap in found.classes:
        at = replace(place, split=gap.split, class_name=gap.class_name, slug=gap.slug)
        yield _with(at, "top1_difference", gap.gap)
    for mean in found.means:
        at = replace(place, split=mean.split)
        yield _with(at, "mean_top1_difference", mean.difference)
        yield from _known(at, mean, ("p_value", "p_corrected"))
