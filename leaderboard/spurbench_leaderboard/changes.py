"""What new results change in the tables: where they stand, and whose ranks they move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spurbench.markdown import code
from spurbench.reading import is_folder
from spurbench.results import Result, read_results

from .gate.history import before
from .ranking import Place, reading
from .tables import Comparable, Know, Table, comparable, tables_of

NOTHING = "No results were added.\n"


@dataclass(frozen=True)
class Standing:
    """A model in a table: its rank as text, and the one that it had; empty where it had none."""

    place: Place
    now: str
    was: str


def changes_since(results: Path, base: str, know: Know) -> str:
    """Markdown of what results add to those of the commit at which the change began: a block for every
    table of the board that they enter, with the new models and those whose rank is another.

    Results of then are read as they are now: that they stay as they were is the gate's to see.
    UserError where the history cannot be read, or a file is no result.
    """
    root = results.absolute()
    then = before([root], base).files if is_folder(root) else {}
    found = {each.path_under(root): each for each in read_results(results)}
    new = {path for path in found if path not in then}
    if not new:
        return NOTHING
    old = [each for path, each in found.items() if path not in new]
    earlier = _by_key(tables_of(old, know))
    later = _by_key(tables_of(list(found.values()), know))
    entered = {comparable(found[path]) for path in new}
    blocks = [
        _block(later[key], earlier.get(key), {path.stem for path in new}) for key in sorted(entered)
    ]
    return "\n\n".join(blocks) + "\n"


def _by_key(tables: list[Table]) -> dict[Comparable, Table]:
    """Tables by what their results share."""
    return {comparable(next(iter((*table.results, *table.parts)))): table for table in tables}


def _block(table: Table, earlier: Table | None, new: set[str]) -> str:
    """A table's changes; ``new`` are the slugs of the results that were added."""
    data = table.data
    lines = [
        f"### {code(data.domain)}, version {code(data.version)}, framing {code(table.framing)}",
        "",
        "| rank | before | model | spurious accuracy |",
        "|---|---|---|---|",
    ]
    moved = [each for each in _standings(table, earlier) if each.now != each.was]
    lines += [_row(each, table.ranking.split) for each in moved]
    notes = [
        *(_note(e.result, e.reason) for e in table.ranking.unranked if e.result.slug in new),
        *(_note(e, "only a part of the data") for e in table.parts if e.slug in new),
    ]
    return "\n".join((lines if moved else lines[:1]) + (["", *notes] if notes else []))


def _note(result: Result, reason: str) -> str:
    return f"- not ranked: {code(result.model.spec)}: {reason}"


def _standings(table: Table, earlier: Table | None) -> Iterator[Standing]:
    places = earlier.ranking.places if earlier else ()
    were = {each.result.slug: _rank(each) for each in places}
    for place in table.ranking.places:
        yield Standing(place, _rank(place), were.get(place.result.slug, ""))


def _rank(place: Place) -> str:
    span = "" if place.low == place.high else f" ({place.low}-{place.high})"
    return f"{place.rank}{span}"


def _row(each: Standing, split: str) -> str:
    result = each.place.result
    share = 100 * reading(result.means[split]).top1.value
    return f"| {each.now} | {each.was or 'new'} | {code(result.model.spec)} | {share:.1f} % |"
