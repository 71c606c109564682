"""Results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from spurbench.printing import one_line
from spurbench.results import Interval, Means, Result, Selection, Unreadable
from spurbench.scores.comparison import Comparison
from spurbench.scores.significance import LEVEL, least_classes

TITLES = {
    "si": "references",
    "generated": "generated",
    "val": "val. accuracy",
}
MEANS = {
    "roc_auc": "ROC-AUC against val.",
    "top5": "top-5",
    "mean_probability": "mean p(class)",
    "average_precision": "AP against val.",
    "spurious_score": "SI's spurious score",
}


def score_table(result: Result) -> Table:
    """Rows are classes, columns are splits, cells say ``share % [low, high]``, by the reading that
    ranks: restricted to the domain's labels. What other readings say follows."""
    splits = _splits(result)
    table = _table(one_line(f"{result.model.spec} on {result.data.name} {result.data.version}"))
    table.caption = _caption(result)
    table.add_column("class", no_wrap=True)
    for split in splits:
        table.add_column(TITLES[split], justify="right", no_wrap=True)
    scores = {(s.slug, s.split): s for s in result.scores}
    for slug in sorted({s.slug for s in result.scores}):
        cells = [scores.get((slug, split)) for split in splits]
        table.add_row(slug, *(percent((c.restricted or c).top1) if c else "" for c in cells))
    table.add_section()
    means = [result.means[s] for s in splits]
    ranking = [m.restricted or m for m in means]
    table.add_row("mean", *(percent(m.top1) for m in ranking), style="bold")
    table.add_section()
    for name, title in MEANS.items():
        of = means if name == "spurious_score" else ranking
        _add_means(table, title, [getattr(m, name) for m in of])
    if _head_is_larger(result):
        _add_means(table, "full head", [m.top1 for m in means])
    _add_means(table, "kinds merged", [m.merged.top1 if m.merged else None for m in means])
    return table


def comparison_table(comparison: Comparison) -> Table:
    """Consistency by split, then the paired differences."""
    table = _table(f"{len(comparison.models)} models on the same pictures")
    table.caption = (
        "share fooled by all in %, Fleiss' kappa of hit or miss; differences in points with Student's "
        "t intervals over classes; p by sign-flip over classes, corrected for "
        f"{len(comparison.differences)} differences (Holm)"
    )
    if comparison.classes < least_classes():
        table.caption += (
            f"; no p: {comparison.classes} of the {least_classes()} classes that p < {LEVEL} takes"
        )
    table.add_column("", overflow="fold")
    table.add_column("split", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("kappa or p", justify="right", no_wrap=True)
    for c in comparison.consistency:
        kappa = "" if c.fleiss_kappa is None else f"{c.fleiss_kappa:.2f}"
        table.add_row("all", TITLES.get(c.split, c.split), percent(c.fooled_by_all), kappa)
    table.add_section()
    for d in comparison.differences:
        p_value = "" if d.p_corrected is None else f"{d.p_corrected:.4f}"
        title = TITLES.get(d.split, d.split)
        table.add_row(one_line(f"{d.first} - {d.second}"), title, percent(d.difference), p_value)
    return table


def models_table(named: Sequence[tuple[str, Result]]) -> Table:
    """A row a model under its name, in order: its means by split."""
    splits = [split for split in TITLES if any(split in result.means for _, result in named)]
    data = named[0][1].data
    table = _table(one_line(f"{len(named)} models on {data.name} {data.version}"))
    table.caption = (
        "spurious accuracy (for val: accuracy) in %: mean over classes, 95 % interval over classes "
        "(Korn and Graubard)"
    )
    if data.selection:
        table.caption += f"\nonly a part of the data was scored: {_part(data.selection)}"
    table.add_column("model", overflow="fold")
    for split in splits:
        table.add_column(TITLES[split], justify="right", no_wrap=True)
    for name, result in named:
        means = [result.means.get(split) for split in splits]
        table.add_row(
            one_line(name), *(percent((m.restricted or m).top1) if m else "" for m in means)
        )
    return table


def percent(interval: Interval) -> str:
    """``81.3 [71.1, 88.5]``; the bounds are left out where there are none."""
    if interval.low is None or interval.high is None:
        return _points(interval.value)
    return f"{_points(interval.value)} [{_points(interval.low)}, {_points(interval.high)}]"


def _points(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:.1f}"  # no -0.0


def unreadable_note(unreadable: Sequence[Unreadable]) -> str:
    """One line on the pictures that were left out."""
    names = ", ".join(f"{u.slug}/{u.split}/{u.index}" for u in unreadable[:3])
    more = f" and {len(unreadable) - 3} more" if len(unreadable) > 3 else ""
    return f"left out as unreadable: {len(unreadable)} pictures ({names}{more})"


def _table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 0), collapse_padding=True)


def _add_means(table: Table, title: str, cells: list[Interval | None]) -> None:
    if any(cells):
        table.add_row(title, *(percent(cell) if cell else "" for cell in cells), style="dim")


def _splits(result: Result) -> list[str]:
    return [s for s in TITLES if s in result.means]


def _head_is_larger(result: Result) -> bool:
    """Whether the restricted reading says anything else than the full head."""
    return any(_differs(means, means.restricted) for means in result.means.values())


def _differs(full: Means, restricted: Means | None) -> bool:
    return restricted is not None and restricted.top1 != full.top1


def _caption(result: Result) -> str:
    text = (
        "spurious accuracy (for val: accuracy) in %, 95 % intervals: Wilson by class, "
        "Korn and Graubard over classes for the means; "
        f"framing {_how(result)}"
    )
    if result.prevalence and any(m.average_precision for m in result.means.values()):
        text += f"; AP at {100 * result.prevalence:.0f} % validation pictures"
    gap = result.restricted_generated_minus_si or result.generated_minus_si
    if gap:
        text += f"\ngenerated minus references: {percent(gap)} points"
    if result.data.selection:
        text += f"\nonly a part of the data was scored: {_part(result.data.selection)}"
    if result.data.unreadable:
        text += f"\n{len(result.data.unreadable)} unreadable pictures left out"
    return text


def _how(result: Result) -> str:
    how = result.model.transform
    return one_line(f"{how.get('framing')} {how.get('size')}")


def _part(selection: Selection) -> str:
    parts = [
        f"{kind} {', '.join(names)}"
        for kind, names in (("classes", selection.classes), ("splits", selection.splits))
        if names is not None
    ]
    if selection.limit is not None:
        parts.append(f"the first {selection.limit} of each class and split")
    return "; ".join(parts)
