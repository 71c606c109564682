"""What an ablation's verdict calls a difference: Holm's correction, kappas, one class, no referee.

With one seed the intervals and p-values are Student's over the classes: scipy's, written out here.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from spurbench_builders.ablation import analysis, report
from tests.builders.ablation.test_ablation import made_record

ALL, CLEAN = "clean_hits", "without pictures that show the object"
Shares = Mapping[str, Sequence[float]]
# Differences in points by class: p of 0.034 by themselves; so near 0 that nothing is told; plain.
SOME = (2.0, 1.0, 5.0, 0.5, 3.0)
NONE = (2.0, -2.0, 1.0, -1.0, 0.4)
PLAIN = (20.0, 21.0, 19.0, 20.5, 19.5)


def test_of_one_comparison_alone_some_would_be_a_difference() -> None:
    assert 0.025 < stats.ttest_1samp(SOME, 0).pvalue < 0.05
    assert stats.ttest_1samp(NONE, 0).pvalue > 0.5
    assert stats.ttest_1samp(PLAIN, 0).pvalue < 1e-4


def record_of(gaps: Shares, clean: Shares | None = None, *, referee: bool = True) -> dict[str, Any]:
    """Rows that differ from the row without SFSL by points; vanilla, and readings called x-KAPPA."""
    rows = {"vanilla": NONE, "text-encoder": (0.0,) * len(NONE), **gaps}
    cells = []
    for name, points in rows.items():
        others = (clean or {}).get(name, points)
        for c, (raw, without) in enumerate(zip(points, others, strict=True)):
            hits, kept = ([round(10 * (40 + 3 * c + gap))] for gap in (raw, without))
            cells.append(
                {"variant": name, "class": f"class {c}", "seed": 0, "n": 1000, "hits": hits,
                 "clean_hits": kept if referee else None, "consistent": 1,
                 "object_found": 2 if referee else None}
            )  # fmt: skip
    variants = [
        {"name": n, "title": n, **({"reading": n[0], "kappa": float(n[2:])} if n[1] == "-" else {})}
        for n in rows
    ]
    base = [{**cell, "variant": "base"} for cell in cells if cell["variant"] == "vanilla"]
    names = [f"class {c}" for c in range(len(NONE))]
    return {"classes": names, "seeds": [0], "variants": variants, "base": base, "cells": cells}


def said(record: dict[str, Any]) -> list[str]:
    return analysis.verdict(record, analysis.summaries(record))


def points(values: Sequence[float]) -> str:
    """Mean and 95 % interval, as the verdict writes them."""
    mean = float(np.mean(values))
    low, high = stats.t.interval(0.95, len(values) - 1, mean, stats.sem(values))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def test_a_difference_is_corrected_for_the_sentences_other_comparisons() -> None:
    """Alone in its sentence it is one; with what it is without pictures of the object, it is none."""
    text, of_x = said(record_of({"x-1": SOME, "vanilla": [-g for g in SOME]}))
    assert text == (
        f"Training the text encoder beats vanilla DreamBooth by itself ({points(SOME)} points)."
    )
    assert points(SOME).split("[")[1].startswith("+"), "the interval, not corrected, is above 0"
    assert of_x == (
        "SFSL `x` cannot be told from the row without SFSL, also when pictures that show the object "
        f"count as misses (kappa 1: {points(SOME)}, {CLEAN} {points(SOME)})."
    )


def test_holms_steps_let_a_weaker_difference_stand_beside_a_plain_one() -> None:
    """Two comparisons: the plain one first at half the level, the other then at the whole."""
    _, of_x = said(record_of({"x-1": SOME}, {"x-1": PLAIN}))
    assert of_x.startswith("SFSL `x` beats the row without SFSL, also when pictures that")


def test_a_plain_loss_falls_behind() -> None:
    _, of_x = said(record_of({"x-1": PLAIN}, {"x-1": [-g for g in PLAIN]}))
    assert of_x.startswith(
        "SFSL `x` beats the row without SFSL; when pictures that show the object count as misses, it "
        "falls behind that row (kappa 1: "
    )


def test_kappas_that_are_told_apart_are_named_and_no_others() -> None:
    more = [2 * g for g in PLAIN]
    near = [g + d / 10 for g, d in zip(PLAIN, NONE, strict=True)]
    _, of_x = said(record_of({"x-1": PLAIN, "x-0.5": more, "x-0.2": near}))
    apart = [a - b for a, b in zip(more, near, strict=True)]
    assert of_x.endswith(
        f"). Of the kappas, 1 falls behind 0.5 ({points([-g for g in PLAIN])} points); 0.5 beats 0.2 "
        f"({points([round(g, 1) for g in apart])} points)."
    )


def test_kappas_are_told_apart_without_pictures_that_show_the_object() -> None:
    """All hits differ plainly; without those pictures nothing does."""
    even = {"x-1": PLAIN, "x-0.5": [g + d for g, d in zip(PLAIN, NONE, strict=True)]}
    _, of_x = said(record_of({"x-1": [2 * g for g in PLAIN], "x-0.5": PLAIN}, even))
    assert of_x.endswith("). The kappas tried cannot be told from one another.")


def test_of_one_class_nothing_is_told() -> None:
    record = record_of({"x-1": PLAIN})
    record["classes"] = record["classes"][:1]
    text, of_x = said(record)
    assert "cannot be told from vanilla" in text and "`x` cannot be told from the row" in of_x


def test_without_a_referee_the_object_was_not_measured_and_all_hits_count() -> None:
    record = record_of({"x-1": PLAIN, "x-0.5": [2 * g for g in PLAIN], "y-1": NONE}, referee=False)
    half = [1.5 * g - d for g, d in zip(PLAIN, NONE, strict=True)]
    unknown = "whether its pictures show the object was not measured"
    assert said(record)[1:] == [
        (
            f"SFSL `x` beats the row without SFSL; {unknown} (kappa 1: {points(PLAIN)}; kappa 0.5: "
            f"{points([2 * g for g in PLAIN])}). Of the kappas, 1 falls behind 0.5 "
            f"({points([-g for g in PLAIN])} points)."
        ),
        f"SFSL `y` cannot be told from the row without SFSL; {unknown} (kappa 1: {points(NONE)}).",
        f"Over the kappas tried, `x` beats `y` ({points(half)} points).",
    ]


def without_referee() -> dict[str, Any]:
    record = made_record({"vanilla": -0.2, "text-encoder": 0, "attract-1": 0.1, "recipe": 0})
    gone = {"clean_hits": None, "clean_consistent": None, "object_found": None}
    for part in ("cells", "base", "pool"):
        record[part] = [{**cell, **gone} for cell in record[part]]
    record["contexts"] = [
        {**cell, "context": "on the beach"}
        for cell in record["cells"]
        if cell["variant"] == "recipe"
    ]
    return record


def test_a_report_without_a_referee_has_no_number_for_the_object() -> None:
    text = report.report(without_referee(), None)
    assert "nan" not in text and "no referee looked for the object in them." in text
    table = [line for line in text.split("## By class")[0].splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1:]]
    assert len(rows) == 5
    for _, accuracy, clean, everyone, objects, *_ in rows:
        assert clean == objects == "not measured" and "[" in accuracy and "[" in everyone
    context = text.split("## Recontextualised prompts")[1].splitlines()
    assert sum(line.endswith("| not measured |") for line in context) == 2


@pytest.mark.parametrize("referee", [True, False])
def test_the_plot_shows_what_was_measured_only(referee: bool) -> None:
    record = without_referee()
    if referee:
        for part in ("cells", "base", "pool"):
            record[part] = [{**c, "clean_hits": c["hits"], "object_found": 0} for c in record[part]]
    pixels = np.asarray(Image.open(io.BytesIO(report.plot(record))).convert("RGB"))
    for colour, shown in (((0x1F, 0x4E, 0x79), True), ((0xC0, 0x50, 0x4D), referee)):
        assert (pixels == colour).all(axis=2).any() == shown
