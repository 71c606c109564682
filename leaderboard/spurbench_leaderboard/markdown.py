"""Results as Markdown tables, ranked; one table for what can be compared."""

from __future__ import annotations

from collections import defaultdict

from spurbench.errors import UserError
from spurbench.markdown import code, plain
from spurbench.results import DataRecord, Interval, Result
from spurbench.scores.significance import least_classes

from .ranking import compared_classes, ranked, reading

BEGIN = "<!-- spurbench:leaderboard:begin -->"
END = "<!-- spurbench:leaderboard:end -->"
Comparable = tuple[str, str, str, str, str]

COLUMNS = {"si": "SI", "generated": "generated", "val": "val. accuracy"}


def leaderboard(results: list[Result]) -> str:
    """Tables of results, most reliant on spurious features last.

    Data sets, their versions, framings and validation pictures are never mixed; what a data set's
    folder was called does not matter. Results of a part of a data set are not ranked; a last line
    names them.
    """
    groups: dict[Comparable, list[Result]] = defaultdict(list)
    partial = [result for result in results if result.data.selection]
    for result in results:
        if not result.data.selection:
            groups[_comparable(result)].append(result)
    blocks = [_table(group) for _, group in sorted(groups.items())]
    if partial:
        names = sorted({code(result.model.spec) for result in partial})
        blocks.append(f"Not ranked, since only a part of the data was scored: {', '.join(names)}.")
    return "\n\n".join(blocks)


def replace_between(text: str, body: str, where: str) -> str:
    """The text with ``body`` between its two markers; UserError where they are not there once each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UserError(f"{where}: needs the lines {BEGIN} and {END}, once each and in this order")
    before, rest = text.split(BEGIN)
    block = f"{BEGIN}\n{body}\n{END}"
    if "\r\n" in text:  # the line ends of the file that it goes into
        block = block.replace("\n", "\r\n")
    return f"{before}{block}{rest.split(END)[1]}"


def _comparable(result: Result) -> Comparable:
    """Equal for results that may be ranked together."""
    data = result.data
    validation = data.validation.fingerprint if data.validation else ""
    return data.domain, data.version, data.fingerprint, _asked_framing(result), validation


def _asked_framing(result: Result) -> str:
    """The framing that was asked for; results before version 3 have the kind of their transform."""
    return result.model.framing or f"{result.model.transform.get('framing')} (as recorded)"


def _table(results: list[Result]) -> str:
    """The table of results that may be ranked together."""
    # Under one of its names, whichever result comes first.
    data = min((result.data for result in results), key=lambda data: data.name)
    splits = [s for s in COLUMNS if any(s in r.means for r in results)]
    classes = len({s.slug for r in results for s in r.scores})
    lines = [
        (
            f"Domain {code(data.domain)}, data set {code(data.name)} version "
            f"{code(data.version)}{_validation(data)}: mean over "
            f"{classes} classes in %, with 95 % intervals over classes, by the reading restricted to the "
            f"domain's labels. Spurious accuracy: lower is better. {_ties(compared_classes(results))}"
        ),
        "",
        f"| # | model | {' | '.join(COLUMNS[s] for s in splits)} | generated - SI | framing | weights |",
        "|---|---|" + "---|" * (len(splits) + 3),
    ]
    notes: list[str] = []
    for place in ranked(results):
        result = place.result
        cells = [_cell(reading(m).top1 if (m := result.means.get(s)) else None) for s in splits]
        gap = result.restricted_generated_minus_si or result.generated_minus_si
        weights = f"`{result.model.weights_sha256[:8]}`"
        lines.append(
            f"| {place.rank or ''} | {code(result.model.spec)}{_marks(result, notes)} | {' | '.join(cells)} "
            f"| {_cell(gap)} | {_framing(result)} | {weights} |"
        )
    if notes:
        lines += ["", *(f"{_mark(number)} {note}  " for number, note in enumerate(notes, start=1))]
    return "\n".join(lines)


def _validation(data: DataRecord) -> str:
    found = data.validation
    if found is None:
        return ""
    return f", validation pictures {code(found.name)} (`{found.fingerprint[:8]}`)"


def _marks(result: Result, notes: list[str]) -> str:
    """Marks of the footnotes that the result needs; new ones are added to ``notes``."""
    dtype = result.environment.get("dtype", "float32")
    count = len(result.data.unreadable)
    said = []
    if count:
        said.append(f"{count} unreadable picture{'s' if count > 1 else ''} left out.")
    if dtype != "float32":
        said.append(f"Scored in {plain(dtype)}, not float32.")
    notes += [note for note in said if note not in notes]
    return "".join(f" {_mark(notes.index(note) + 1)}" for note in said)


def _mark(number: int) -> str:
    return f"<sup>{number}</sup>"


def _ties(classes: int) -> str:
    if classes < least_classes():
        return f"All share a rank: {classes} classes are too few to tell any two apart."
    return (
        "Models share a rank where a sign-flip test over classes cannot tell them apart (5 %, corrected "
        "for all pairs)."
    )


def _framing(result: Result) -> str:
    how = result.model.transform
    asked = f"{plain(result.model.framing)}: " if result.model.framing else ""
    return f"{asked}{plain(how.get('framing'))} {plain(how.get('size'))}"


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return ""
    value = f"{100 * interval.value:.1f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
