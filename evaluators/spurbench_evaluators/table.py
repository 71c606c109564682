"""A result as a table for the terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table

from spurbench.results import Interval, Result

TITLES = {
    "si": "references",
    "generated": "generated",
    "val": "val. accuracy",
}


def score_table(result: Result) -> Table:
    """Rows are classes, columns are splits, cells say ``share % [low, high]``."""
    splits = [s for s in TITLES if s in result.macro]
    table = Table(
        title=f"{result.model.spec} on {result.data.name} {result.data.version}",
        caption=_caption(result),
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
        collapse_padding=True,
    )
    table.add_column("class", no_wrap=True)
    for split in splits:
        table.add_column(TITLES[split], justify="right", no_wrap=True)
    scores = {(s.slug, s.split): s for s in result.scores}
    for slug in sorted({s.slug for s in result.scores}):
        cells = [scores.get((slug, split)) for split in splits]
        table.add_row(slug, *(percent(c.top1) if c else "" for c in cells))
    table.add_section()
    table.add_row("mean", *(percent(result.macro[s]) for s in splits), style="bold")
    return table


def percent(interval: Interval) -> str:
    """``81.3 [71.1, 88.5]``; the bounds are left out where there are none."""
    value = f"{100 * interval.value:.1f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def _caption(result: Result) -> str:
    text = (
        "spurious accuracy (for val: accuracy) in %, 95 % intervals: Wilson by class, "
        "bootstrap clustered by class for the mean; "
        f"framing {result.model.transform['framing']} {result.model.transform['size']}"
    )
    if result.generated_minus_si:
        gap = result.generated_minus_si
        text += f"\ngenerated minus references: {percent(gap)} points"
    return text
