"""Results as Markdown tables, ranked; one table for what can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from spurbench.errors import UserError
from spurbench.markdown import code, plain
from spurbench.results import DataRecord, Interval, Result
from spurbench.scores.significance import LEVEL, least_classes

from .ranking import GENERATED, REFERENCES, Place, Unranked, reading
from .tables import Know, Table, nothing_known, tables_of

BEGIN = "<!-- spurbench:leaderboard:begin -->"
END = "<!-- spurbench:leaderboard:end -->"

COLUMNS = {"si": "SI", "generated": "generated", "val": "val. accuracy"}
NAMES = {GENERATED: "generated pictures", REFERENCES: "references (SI)"}
PANEL = "<sup>panel</sup>"
PANEL_NOTE = (
    f"{PANEL} Of the panel: the data set's pictures were selected to fool this very model, or made with it. "
    "That counts against it beside models that nothing was selected with.  "
)


def leaderboard(
    results: Sequence[Result],
    know: Know = nothing_known,
    *,
    panel: bool = True,
    old: Callable[[DataRecord], bool] = lambda data: False,
) -> str:
    """Tables of results, most reliant on spurious features last; without ``panel`` as if its models had
    no results. ``know`` says of whom a data set's panel was, ``old`` which data sets another came after:
    results of those are counted alone."""
    older = [result for result in results if old(result.data)]
    results = [result for result in results if not old(result.data)]
    tables = tables_of(results, know, panel=panel)
    blocks = [_block(table, panel=panel) for table in tables if not table.empty]
    parts = sorted({code(result.model.spec) for table in tables for result in table.parts})
    if parts:
        blocks.append(f"Not ranked, since only a part of the data was scored: {', '.join(parts)}.")
    if older:
        versions = ", ".join(sorted({code(result.data.version) for result in older}))
        blocks.append(f"Not shown: {len(older)} results of older versions ({versions}).")
    if results and not blocks:
        return "No results but the panel's."
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


def _block(table: Table, *, panel: bool) -> str:
    """Caption, table, footnotes."""
    return f"{_caption(table)} {_about_panel(table, panel=panel)}".rstrip() + f"\n\n{_table(table)}"


def _caption(table: Table) -> str:
    data, found, classes = table.data, table.data.validation, len(table.ranking.classes)
    validation = (
        f", validation pictures {code(found.name)} (`{found.fingerprint[:8]}`)" if found else ""
    )
    return (
        f"Domain {code(data.domain)}, data set {code(data.name)} version {code(data.version)}{validation}, "
        f"framing {plain(table.framing)}: mean over {classes} class{'es' if classes > 1 else ''} in %, with 95 % "
        "intervals over classes, by the reading restricted to the domain's labels. Spurious accuracy: "
        f"lower is better. {_how_ranked(table)}"
    )


def _how_ranked(table: Table) -> str:
    split = NAMES[table.ranking.split]
    classes, places = len(table.ranking.classes), len(table.ranking.places)
    if places < 2:
        return f"Ranked by the {split}."
    if classes < least_classes():
        return f"All share a rank: {classes} classes are too few to tell any two apart."
    return (
        f"Ranked by the {split}: a rank is one more than the number of models that surely rely less on "
        "spurious features, and never falls down the table; in brackets the ranks that the data leave "
        f"possible, true of all models at once with {100 * (1 - LEVEL):.0f} % confidence."
    )


def _about_panel(table: Table, *, panel: bool) -> str:
    if table.panel is None:
        return "Which models its pictures were selected with is not known."
    if not panel:
        return "Without the panel that its pictures were selected with."
    return ""


def _table(table: Table) -> str:
    splits = [s for s in COLUMNS if any(s in result.means for result in table.results)]
    notes: list[str] = []
    lines = [
        f"| rank | model | {' | '.join(COLUMNS[s] for s in splits)} | generated - SI |",
        "|---|---|" + "---|" * (len(splits) + 1),
    ]
    rows: list[Place | Unranked] = [*table.ranking.places, *table.ranking.unranked]
    for each in rows:
        cells = [_rank(each), _model(each, table, notes), *_numbers(each.result, splits)]
        lines.append(f"| {' | '.join(cells)} |")
    said = [f"{_mark(number)} {note}  " for number, note in enumerate(notes, start=1)]
    if any(table.of_panel(result) for result in table.results):
        said.append(PANEL_NOTE)
    return "\n".join([*lines, *(["", *said] if said else [])])


def _rank(each: Place | Unranked) -> str:
    if isinstance(each, Unranked):
        return "-"
    return f"{each.rank}" if each.low == each.high else f"{each.rank} ({each.low}-{each.high})"


def _model(each: Place | Unranked, table: Table, notes: list[str]) -> str:
    """Who it is, over what it was shown and its weights: a line less wide than three columns."""
    result = each.result
    how = result.model.transform
    panel = f" {PANEL}" if table.of_panel(result) else ""
    shown = f"{plain(how.get('framing'))} {plain(how.get('size'))}"
    below = f"<br><sub>{shown}, weights `{result.model.weights_sha256[:8]}`</sub>"
    return f"{code(result.model.spec)}{panel}{_marks(each, notes)}{below}"


def _marks(each: Place | Unranked, notes: list[str]) -> str:
    """Marks of the footnotes that the result needs; new ones are added to ``notes``."""
    said = list(_remarks(each))
    notes += [note for note in said if note not in notes]
    return "".join(f" {_mark(notes.index(note) + 1)}" for note in said)


def _remarks(each: Place | Unranked) -> Iterator[str]:
    count = len(each.result.data.unreadable)
    dtype = each.result.environment.get("dtype", "float32")
    if isinstance(each, Unranked):
        yield f"Listed, not ranked: {each.reason}."
    if count:
        yield f"{count} unreadable picture{'s' if count > 1 else ''} left out."
    if dtype != "float32":
        yield f"Scored in {plain(dtype)}, not float32."


def _mark(number: int) -> str:
    return f"<sup>{number}</sup>"


def _numbers(result: Result, splits: Sequence[str]) -> Iterator[str]:
    for split in splits:
        means = result.means.get(split)
        yield _cell(reading(means).top1 if means else None)
    yield _cell(result.restricted_generated_minus_si or result.generated_minus_si)


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return ""
    value = f"{100 * interval.value:.1f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value}<br>[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
