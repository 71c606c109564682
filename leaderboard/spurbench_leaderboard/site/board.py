"""The tables of a leaderboard as plain data: what the page shows, and what can be downloaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from spurbench.files import sha256_json
from spurbench.results import DataRecord, Interval, Result, SplitScore
from spurbench.scores.significance import least_classes
from spurbench_leaderboard.plausible import remarks
from spurbench_leaderboard.ranking import Place, Unranked, reading
from spurbench_leaderboard.tables import Know, Table, comparable, tables_of

from .traits import family, pretraining

FIRST, LAST = ("si", "generated"), ("val",)
PART = "only a part of the data set was scored"
Data = dict[str, Any]


Old = Callable[[DataRecord], bool]


def board(results: Sequence[Result], know: Know, old: Old = lambda data: False) -> list[Data]:
    """Every table as JSON-like data: those of data sets that another came after (``old``) last, then the
    one with the most models first.

    Shares are in [0, 1], intervals ``[value, low, high]`` with None where unknown; ``hits`` are counts by
    class of the reading that ranks, in the order of ``classes``, None where a class was not scored; a row has
    ``n`` only where its counts of pictures are not the table's.
    """
    others = tables_of(results, know, panel=False)
    alone = {_key(table): table for table in others if any(table.results)}
    tables = [
        _table(table, alone.get(_key(table))) | {"old": old(table.data)}
        for table in tables_of(results, know)
    ]
    return sorted(tables, key=lambda table: (table["old"], -len(table["rows"]), table["key"]))


def splits_of(results: Sequence[Result]) -> list[str]:
    """The splits that have means: the references, the generated ones, the others, validation pictures."""
    found = {split for result in results for split in result.means}
    between = sorted(found - {*FIRST, *LAST})
    return [split for split in (*FIRST, *between, *LAST) if split in found]


def _key(table: Table) -> str:
    """A name for a table that can be part of an address and of a path."""
    some = next(iter([*table.results, *table.parts]))
    return f"{some.data.domain}-{some.data.version}-{sha256_json(comparable(some))[:8]}"


def _table(table: Table, alone: Table | None) -> Data:
    results = [*table.results, *table.parts]
    classes = sorted({score.slug: score.class_name for r in results for score in r.scores}.items())
    slugs = [slug for slug, _ in classes]
    splits = splits_of(results)
    counts = {split: _usual(results, split, slugs) for split in splits}
    places = {place.result.slug: place for place in table.ranking.places}
    others = {place.result.slug: place for place in alone.ranking.places} if alone else {}
    reasons = {each.result.slug: each.reason for each in table.ranking.unranked}
    rows = [
        _row(
            result,
            slugs,
            counts,
            rank=_rank(places.get(result.slug)),
            rank_without=_rank(others.get(result.slug)),
            panel=table.of_panel(result),
            reason=reasons.get(result.slug, PART if result.data.selection else ""),
        )
        for result in results
    ]
    validation = table.data.validation
    return {
        "key": _key(table),
        "domain": table.data.domain,
        "data": table.data.name,
        "version": table.data.version,
        "fingerprint": table.data.fingerprint,
        "framing": table.framing,
        "validation": validation
        and {"name": validation.name, "fingerprint": validation.fingerprint},
        "ranked_by": table.ranking.split,
        "tellable": len(table.ranking.classes) >= least_classes(),
        "panel_known": table.panel is not None,
        "classes": [{"slug": slug, "name": name} for slug, name in classes],
        "splits": splits,
        "n": counts,
        "rows": rows,
    }


def _row(
    result: Result,
    slugs: Sequence[str],
    counts: dict[str, list[int | None]],
    **standing: Any,
) -> Data:
    model, data = result.model, result.data
    found = {(score.split, score.slug): score for score in result.scores}
    splits = splits_of([result])
    n = {s: [_n(found.get((s, slug))) for slug in slugs] for s in splits}
    means = {s: result.means[s] for s in splits}
    return {
        "id": result.slug,
        "file": str(result.path_under(Path())),
        "spec": model.spec,
        "architecture": model.architecture,
        "family": family(model),
        "pretraining": pretraining(model),
        "parameters": model.parameters,
        "labels": model.label_space,
        "outputs": model.outputs,
        "weights": model.weights_sha256,
        "source": model.weights_source,
        "shown": f"{model.transform.get('framing')} {model.transform.get('size')}",
        **standing,
        "remarks": [*_remarks(result)],
        "means": {s: _interval(reading(m).top1) for s, m in means.items()},
        "full": {s: _interval(m.top1) for s, m in means.items()},
        "auc": {s: _interval(a) for s, m in means.items() if (a := reading(m).roc_auc)},
        "difference": _interval(result.restricted_generated_minus_si or result.generated_minus_si),
        "hits": {s: [_hits(found.get((s, slug))) for slug in slugs] for s in splits},
        **({"n": n} if any(n[s] != counts[s] for s in splits) else {}),
        "environment": result.environment,
        "predictions": result.predictions_sha256,
        "selection": data.selection and data.selection.model_dump(),
    }  # fmt: skip


def _usual(results: Sequence[Result], split: str, slugs: Sequence[str]) -> list[int | None]:
    """Of each class, how many pictures most results have."""
    found: dict[str, Counter[int]] = {slug: Counter() for slug in slugs}
    for result in results:
        for score in result.scores:
            if score.split == split:
                found[score.slug][score.n] += 1
    return [max(c, key=lambda n: (c[n], n)) if (c := found[slug]) else None for slug in slugs]


def _n(score: SplitScore | None) -> int | None:
    return score.n if score else None


def _hits(score: SplitScore | None) -> int | None:
    return (score.restricted or score).hits if score else None


def _rank(place: Place | Unranked | None) -> list[int] | None:
    return [place.rank, place.low, place.high] if isinstance(place, Place) else None


def _interval(value: Interval | None) -> list[float | None] | None:
    """Rounded to a hundredth of a per cent, of which a page shows a tenth."""
    if value is None:
        return None
    return [
        None if part is None else round(part, 4) for part in (value.value, value.low, value.high)
    ]


def _remarks(result: Result) -> Iterator[str]:
    yield from remarks(result)
    dtype = result.environment.get("dtype", "float32")
    if dtype != "float32":
        yield f"scored in {dtype}, not float32"
