"""An ablation's record as Markdown tables and a plot."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from spurbench.errors import UserError
from spurbench.scores.statistics import crossed_mean

from .analysis import (
    Summary,
    accuracy,
    clean_accuracy,
    consistent,
    object_rate,
    percent,
    share_estimate,
    signed,
    summaries,
    values,
    verdict,
)
from .run import all_counts
from .variants import FULL, TEXT_ENCODER, VANILLA

PRINTED = (
    "SFSL `printed`, Eq. 5 to the letter, is a constant: training with it gives the weights of kappa = 0 "
    "to the bit (tests/builders/method/test_finetune.py), so it has no row."
)


def report(record: dict[str, Any], plot: str | None) -> str:
    """The whole page below its title; ``plot`` is the picture's path as the page links it."""
    rows = summaries(record)
    said = [*verdict(record, rows), PRINTED]
    parts = [_how(record), table2(rows), "", *(f"- {line}" for line in said), ""]
    if plot:
        parts += [f"![Spurious accuracy by variant, with intervals]({plot})", ""]
    parts += ["## By class", "", by_class(record), ""]
    parts += ["## Table 1 in the paper's form", "", table1(record), ""]
    if record["contexts"]:
        parts += ["## Recontextualised prompts", "", contexts(record), ""]
    return "\n".join(parts)


def _how(record: dict[str, Any]) -> str:
    seeds = record["seeds"]
    return (
        f"Recipe `{record['recipe']}` ({record['fingerprint'][:12]}), {len(record['classes'])} classes, "
        f"{len(seeds)} seeds ({', '.join(str(s) for s in seeds)}), {record['images']} pictures a class "
        f"and seed, {len(record['panel'])} classifiers. Shares in %, with 95 % intervals clustered by "
        "class and by seed (two-way, Student's t); differences are paired by class and seed, in "
        "points. The tables' intervals are not corrected for their number; the sentences call a "
        "difference what is one at the 5 % level after Holm's correction for all that the sentence "
        "compares.\n"
    )


def table2(rows: list[Summary]) -> str:
    """Table 2 of the paper, with intervals."""
    head = (
        "| variant | spurious accuracy | without pictures that show the object | fool all "
        "| object found | from vanilla | from the row without SFSL |"
    )
    lines = [head, "|---|" + "---|" * 6]
    for r in rows:
        cells = [percent(e) for e in (r.accuracy, r.clean, r.consistent, r.objects)]
        cells.append("" if r.name == VANILLA else signed(r.from_vanilla))
        cells.append("" if r.name == TEXT_ENCODER else signed(r.from_text_encoder))
        lines.append(f"| {r.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def by_class(record: dict[str, Any]) -> str:
    """Mean spurious accuracy over panel and seeds by class, and the seeds' spread."""
    names = record["classes"]
    lines = [f"| variant | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for name, title in _titles(record):
        own = values(record, name, accuracy)
        cells = [
            f"{100 * row.mean():.0f} ({100 * row.min():.0f} to {100 * row.max():.0f})"
            for row in own
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Mean over seeds (worst to best seed), in %."])


def table1(record: dict[str, Any]) -> str:
    """Spurious accuracy by class and classifier, reference pool / generated."""
    names, panel = record["classes"], record["panel"]
    pool = {row["class"]: row for row in record["pool"]}
    cells = all_counts(record, FULL)
    before = np.array([[h / pool[n]["n"] for h in pool[n]["hits"]] for n in names])  # (K, panel)
    after = np.array(
        [
            np.mean([np.divide(c["hits"], c["n"]) for c in cells if c["class"] == name], axis=0)
            for name in names
        ]
    )
    columns = [*(f"`{spec}`" for spec in panel), "mean"]
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    rows = zip([*names, "mean"], _with_means(before), _with_means(after), strict=True)
    for name, pools, made in rows:
        pairs = zip(pools, made, strict=True)
        lines.append(
            f"| {name} | {' | '.join(f'{100 * a:.1f} / {100 * b:.1f}' for a, b in pairs)} |"
        )
    gap = crossed_mean(
        values(record, FULL, accuracy) - np.array([[accuracy(pool[n])] for n in names])
    )
    together = share_estimate(values(record, FULL, consistent))
    said = (
        f"Generated minus pool: **{signed(gap)} points**. {percent(together)} % of the generated pictures "
        f"fool the whole panel; {_referee_says(record)}. {_by_seed(record)}"
    )
    return "\n".join([*lines, "", said])


def _with_means(shares: np.ndarray) -> np.ndarray:
    """(K, M) with a row and a column of means added."""
    wide = np.column_stack([shares, shares.mean(axis=1)])
    return np.vstack([wide, wide.mean(axis=0)])


def _by_seed(record: dict[str, Any]) -> str:
    """What a data set of one seed is worth."""
    means = values(record, FULL, accuracy).mean(axis=0)
    each = ", ".join(f"{100 * mean:.1f}" for mean in means)
    seeds = ", ".join(str(seed) for seed in record["seeds"])
    return f"Seed by seed ({seeds}) the generated mean is {each} %: one seed alone says little."


def _referee_says(record: dict[str, Any]) -> str:
    objects = values(record, FULL, object_rate)
    if np.isnan(objects).any():
        return "no referee looked for the object in them"
    return (
        f"the referee finds the object in {percent(share_estimate(objects))} % "
        f"(worst class {100 * objects.mean(axis=1).max():.1f} %), and "
        f"{percent(share_estimate(values(record, FULL, clean_accuracy)))} % is the spurious accuracy when "
        "those count as misses"
    )


def contexts(record: dict[str, Any]) -> str:
    """Section 4.6: how spurious each prompt stays."""
    lines = [
        "| prompt | pictures | spurious accuracy | fool all | object found |",
        "|---|---|---|---|---|",
    ]
    rows = [("a photo of a [V] noun", all_counts(record, FULL))]
    for words in dict.fromkeys(c["context"] for c in record["contexts"]):
        rows.append((f"... {words}", [c for c in record["contexts"] if c["context"] == words]))
    for title, cells in rows:
        grids = [_grid(record, cells, share) for share in (accuracy, consistent, object_rate)]
        shown = " | ".join(percent(share_estimate(grid)) for grid in grids)
        lines.append(f"| {title} | {sum(c['n'] for c in cells)} | {shown} |")
    return "\n".join(lines)


def plot(record: dict[str, Any]) -> bytes:
    """Variants with their intervals, as PNG; UserError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError("the plot needs matplotlib: pip install 'spurbench[plots]'") from error
    rows = summaries(record)
    figure = Figure(figsize=(8, 0.42 * len(rows) + 1.3), layout="constrained")
    axes = figure.add_subplot()
    series = [("spurious accuracy", "#1f4e79", 0.14, [r.accuracy for r in rows])]
    if not any(np.isnan(r.clean.value) for r in rows):  # measured: there was a referee
        clean = [r.clean for r in rows]
        series.append(("without pictures that show the object", "#c0504d", -0.14, clean))
    for label, colour, shift, estimates in series:
        at = [len(rows) - 1 - i + shift for i in range(len(rows))]
        middle = [100 * e.value for e in estimates]
        below = [100 * max(0.0, e.value - e.low) for e in estimates]
        above = [100 * max(0.0, e.high - e.value) for e in estimates]
        axes.errorbar(
            middle, at, xerr=[below, above], fmt="o", ms=4, capsize=2, color=colour, label=label
        )
    axes.set_yticks(
        [len(rows) - 1 - i for i in range(len(rows))], [r.title.replace("`", "") for r in rows]
    )
    axes.set_xlim(0, 100)
    axes.set_xlabel(
        f"% of pictures, 95 % interval over {len(record['classes'])} classes x {len(record['seeds'])} seeds"
    )
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    return buffer.getvalue()


def _titles(record: dict[str, Any]) -> list[tuple[str, str]]:
    base = [("base", "Base model, untrained")]
    return base + [(v["name"], v["title"]) for v in record["variants"]]


def _grid(record: dict[str, Any], rows: Any, share: Any) -> np.ndarray:
    by_cell = {(c["class"], c["seed"]): share(c) for c in rows}
    return np.array([[by_cell[n, s] for s in record["seeds"]] for n in record["classes"]])
