"""An ablation's numbers and words, held to a two-way analysis of variance written out here."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from spurbench.scores.statistics import Estimate
from spurbench_builders.ablation import analysis
from spurbench_builders.ablation.analysis import Summary, signed
from spurbench_builders.ablation.variants import TEXT_ENCODER, VANILLA

CLASSES, SEEDS = ("koala", "boat", "anemone", "crane"), (7, 2, 5)
KINDS = ("hits", "clean_hits")
# name, reading, kappa, how far the panel's hits and those without the object lie above the plain row
ROWS = (
    (VANILLA, None, None, -0.17, -0.11),
    (TEXT_ENCODER, None, None, 0.0, 0.0),
    ("attract-1", "attract", 1.0, 0.23, 0.21),
    ("attract-0.5", "attract", 0.5, 0.11, 0.13),
    ("contrast-1", "contrast", 1.0, -0.12, 0.004),
    ("printed-1", "printed", 1.0, 0.19, -0.16),
    ("recipe", None, None, 0.05, 0.03),
)


def table_of(seed: int, level: float) -> np.ndarray:
    """Shares by class and seed: what classes and seeds do to every row alike, and to this one."""
    table = np.full((len(CLASSES), len(SEEDS)), level)
    for rng, spread in ((np.random.default_rng(1), 0.08), (np.random.default_rng(seed), 0.02)):
        table += rng.normal(0, spread, (len(CLASSES), 1))
        table += rng.normal(0, spread / 2, (1, len(SEEDS)))
        table += rng.normal(0, spread / 5, table.shape)
    return table


def cells_of(name: str, seed: int, raw: float, clean: float) -> list[dict[str, Any]]:
    """The row's cells, in an order that is neither the classes' nor the seeds'."""
    shares = {"hits": table_of(seed, 0.5 + raw), "clean_hits": table_of(seed + 1, 0.4 + clean)}
    cells = []
    for c, label in enumerate(CLASSES):
        for s, number in enumerate(SEEDS):
            n = 80 + 10 * c + 3 * s
            found = {k: [int(n * t[c, s]) + 4 * m for m in range(3)] for k, t in shares.items()}
            rest = {"consistent": 11 + 5 * c + s, "object_found": (3 + seed) // (1 + c) + 2 * s}
            cells.append({"variant": name, "class": label, "seed": number, "n": n, **found, **rest})
    return cells[::-1]


def made_record() -> dict[str, Any]:
    return {
        "classes": list(CLASSES),
        "seeds": list(SEEDS),
        "variants": [
            {"name": n, "title": f"row {n}", **({"reading": r, "kappa": k} if r else {})}
            for n, r, k, *_ in ROWS
        ],
        "base": cells_of("base", 90, -0.3, -0.25),
        "cells": [c for i, (n, _, _, *by) in enumerate(ROWS) for c in cells_of(n, 10 * i, *by)],
    }


RECORD = made_record()


def by_hand(name: str, kind: str) -> np.ndarray:
    """A row's shares, (classes, seeds), by looking every cell up."""
    cells = RECORD["base"] if name == "base" else RECORD["cells"]
    table = np.full((len(CLASSES), len(SEEDS)), np.nan)
    for cell in cells:
        if cell["variant"] == name:
            hits = cell[kind]
            mean = sum(hits) / len(hits) if isinstance(hits, list) else hits
            place = CLASSES.index(cell["class"]), SEEDS.index(cell["seed"])
            table[place] = mean / cell["n"]
    assert not np.isnan(table).any()
    return table


def interval(table: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval from sums of squares: class and seed count as drawn at random."""
    rows, columns = table.shape
    grand = table.mean()
    classes = columns * sum((r.mean() - grand) ** 2 for r in table)
    seeds = rows * sum((c.mean() - grand) ** 2 for c in table.T)
    rest = ((table - grand) ** 2).sum() - classes - seeds
    by_class, by_seed = classes / (rows - 1), seeds / (columns - 1)
    error = rest / ((rows - 1) * (columns - 1))
    variance = max(by_class + by_seed - error, by_class, by_seed) / table.size
    half = stats.t.ppf(0.975, min(rows, columns) - 1) * math.sqrt(variance)
    low, high = grand - half, grand + half
    return float(grand), float(low), float(high)


def share_interval(table: np.ndarray) -> tuple[float, float, float]:
    value, low, high = interval(table)
    return value, max(low, 0.0), min(high, 1.0)


def numbers(estimate: Any) -> Any:
    return pytest.approx((estimate.value, estimate.low, estimate.high), abs=1e-12)


@pytest.fixture
def summarised() -> dict[str, Summary]:
    return {row.name: row for row in analysis.summaries(RECORD)}


def test_shares_by_hand() -> None:
    counts = {"n": 50, "hits": [10, 20, 45], "clean_hits": [5, 20, 20], "consistent": 7}
    counts |= {"object_found": 3}
    assert analysis.accuracy(counts) == 0.5 and analysis.clean_accuracy(counts) == 0.3
    assert analysis.consistent(counts) == 0.14 and analysis.object_rate(counts) == 0.06


def test_a_table_has_a_row_a_class_and_a_column_a_seed_whatever_the_cells_order() -> None:
    for name in ("base", *(row[0] for row in ROWS)):
        found = analysis.values(RECORD, name, analysis.accuracy)
        assert found.shape == (4, 3)
        np.testing.assert_allclose(found, by_hand(name, "hits"), atol=1e-12)


def test_rows_are_the_base_model_then_the_records(summarised: dict[str, Summary]) -> None:
    assert [(r.name, r.reading, r.kappa) for r in analysis.summaries(RECORD)] == [
        ("base", None, None),
        *((name, reading, kappa) for name, reading, kappa, *_ in ROWS),
    ]
    assert summarised["base"].title == "Base model, untrained, prompt without [V]"
    assert summarised["attract-1"].title == "row attract-1"


@pytest.mark.parametrize("name", ["base", *(row[0] for row in ROWS)])
def test_every_estimate_is_clustered_by_class_and_seed(
    name: str, summarised: dict[str, Summary]
) -> None:
    row = summarised[name]
    hits, clean = by_hand(name, "hits"), by_hand(name, "clean_hits")
    assert share_interval(hits) == numbers(row.accuracy)
    assert share_interval(clean) == numbers(row.clean)
    assert share_interval(by_hand(name, "consistent")) == numbers(row.consistent)
    assert share_interval(by_hand(name, "object_found")) == numbers(row.objects)
    # Paired: the row minus the other, cell by cell.
    assert interval(hits - by_hand(VANILLA, "hits")) == numbers(row.from_vanilla)
    assert interval(hits - by_hand(TEXT_ENCODER, "hits")) == numbers(row.from_text_encoder)
    gap = interval(clean - by_hand(TEXT_ENCODER, "clean_hits"))
    assert gap == numbers(row.clean_from_text_encoder)


def test_with_one_seed_the_classes_alone_are_the_clusters() -> None:
    alone = {**RECORD, "seeds": [5]}
    column = by_hand("attract-1", "hits")[:, SEEDS.index(5)]
    low, high = stats.t.interval(0.95, len(CLASSES) - 1, column.mean(), stats.sem(column))
    found = {row.name: row for row in analysis.summaries(alone)}["attract-1"].accuracy
    assert (column.mean(), low, high) == numbers(found)


def test_a_shares_interval_ends_at_0_and_at_1() -> None:
    low = analysis.share_estimate(np.array([[0.0, 0.1], [0.02, 0.3]]))
    assert low.value == pytest.approx(0.105) and low.low == 0.0 and 0.3 < low.high <= 1
    high = analysis.share_estimate(np.array([[1.0, 0.8], [0.95, 0.99]]))
    assert high.value == pytest.approx(0.935) and high.high == 1.0 and 0 < high.low < 0.8


def points(values: tuple[float, float, float]) -> str:
    mean, low, high = (100 * v for v in values)
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def gap(name: str, kind: str) -> str:
    return points(interval(by_hand(name, kind) - by_hand(TEXT_ENCODER, kind)))


def test_the_verdict_in_full() -> None:
    """Of three readings: one that helps, one that costs pictures without the object, one unclear."""
    said = analysis.verdict(RECORD, analysis.summaries(RECORD))
    text = points(interval(by_hand(TEXT_ENCODER, "hits") - by_hand(VANILLA, "hits")))
    without = "without pictures that show the object"
    both = [by_hand(f"attract-{k}", "clean_hits") for k in ("1", "0.5")]
    attract = (both[0] + both[1]) / 2
    contrast, printed = by_hand("contrast-1", "clean_hits"), by_hand("printed-1", "clean_hits")
    pairs = [interval(attract - contrast), interval(attract - printed)]
    pairs += [interval(contrast - printed)]
    assert all(low > 0 for _, low, _ in pairs)
    expected = [f"Training the text encoder beats vanilla DreamBooth by itself ({text} points)."]
    expected.append(
        "SFSL `attract` beats the row without SFSL, also when pictures that show the object count "
        f"as misses (kappa 1: {gap('attract-1', 'hits')}, {without} "
        f"{gap('attract-1', 'clean_hits')}; kappa 0.5: {gap('attract-0.5', 'hits')}, {without} "
        f"{gap('attract-0.5', 'clean_hits')}). Of the kappas shown to help, 1 gives the most."
    )
    for name, raw, then in (
        ("contrast", "falls behind", "cannot be told from"),
        ("printed", "beats", "falls behind"),
    ):
        expected.append(
            f"SFSL `{name}` {raw} the row without SFSL; when pictures that show the object count "
            f"as misses, it {then} that row (kappa 1: {gap(f'{name}-1', 'hits')}, {without} "
            f"{gap(f'{name}-1', 'clean_hits')}). At none of the kappas tried is it shown to help."
        )
    names = combinations(("attract", "contrast", "printed"), 2)
    expected += [
        f"Over the kappas tried, `{a}` beats `{b}` ({points(found)} points, pictures that show the "
        "object as misses)."
        for (a, b), found in zip(names, pairs, strict=True)
    ]
    assert said == expected


def estimated(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half)


def row_of(kappa: float, clean: float, above: float, half: float) -> Summary:
    """A row of one reading; its raw difference is plain, its clean one ``above`` +- ``half``."""
    plain = estimated(0.5, 0.1)
    none = estimated(0.0, 0.1)
    level, gain = estimated(clean, 0.1), estimated(above, half)
    return Summary(f"{kappa}", "", "x", kappa, plain, level, plain, plain, none, none, gain)


def test_the_best_kappa_is_the_best_of_those_shown_to_help() -> None:
    text = row_of(0, 0.4, 0, 0.1)
    named = Summary(**{**vars(text), "name": TEXT_ENCODER, "reading": None})
    rows = [
        named,
        row_of(0.2, 0.60, 0.20, 0.21),  # the most, but its interval holds 0
        row_of(0.3, 0.47, 0.07, 0.05),
        row_of(0.6, 0.52, 0.12, 0.05),
        row_of(0.8, 0.48, 0.08, 0.05),
        row_of(1.0, 0.55, 0.05, 0.05),  # its interval begins at 0
    ]
    _, of_reading = analysis.verdict(RECORD, rows)
    assert of_reading.endswith("Of the kappas shown to help, 0.6 gives the most.")
    assert "it beats or cannot be told from (depending on kappa) that row" in of_reading


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.001, 0.2, "beats"),
        (-0.2, -0.001, "falls behind"),
        (0.0, 0.2, "cannot be told from"),
        (-0.2, 0.0, "cannot be told from"),
    ],
)
def test_an_interval_that_holds_0_tells_nothing(low: float, high: float, word: str) -> None:
    named = row_of(0, 0.4, 0, 0.1)
    text = {**vars(named), "name": TEXT_ENCODER, "reading": None}
    text["from_vanilla"] = Estimate((low + high) / 2, low, high)
    (said,) = analysis.verdict(RECORD, [Summary(**text)])
    assert said.startswith(f"Training the text encoder {word} vanilla DreamBooth by itself (")


def test_numbers_in_words() -> None:
    estimate = Estimate(0.1234, -0.0456, 0.2012)
    assert signed(estimate) == "+12.3 [-4.6, +20.1]"
    assert analysis.percent(Estimate(0.8762, 0.7, 0.9)) == "87.6 [70.0, 90.0]"
