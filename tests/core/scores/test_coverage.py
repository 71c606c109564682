"""How often intervals hold the truth, by the page's own simulation, and the page itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from scripts.coverage_page import (
    BOARDS,
    CLASSES,
    RATES,
    mean_coverage,
    page,
    pair_record,
    rank_bootstrap,
    rank_record,
    true_ranks,
)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("rates", ["Beta(3, 2)", "Beta(30, 1)", "Beta(2, 50)"])
@pytest.mark.parametrize("classes", [2, 6, 30])
def test_means_hold_the_truth_as_often_as_they_say(rates: str, classes: int) -> None:
    """400 of the page's simulated benchmarks, from a seed of the test's own."""
    held = mean_coverage(RATES[rates], classes, "korn_graubard", seed=99, trials=400)
    assert held > 0.93 - 3 * math.sqrt(0.93 * 0.07 / 400)


def test_the_page_holds_nominal_coverage_and_shows_its_record() -> None:
    record = json.loads((ROOT / "docs/runs/coverage.json").read_text())
    assert record["classes"] == list(CLASSES) and list(record["means"]) == list(RATES)
    chosen = np.array([found["korn_graubard"] for found in record["means"].values()])
    assert chosen.min() > 0.92 and np.mean(chosen > 0.93) > 0.9
    assert all(
        cell["alarms"] is None or cell["alarms"] < 0.06
        for cells in record["pairs"].values()
        for cell in cells
    )
    assert (ROOT / "docs/intervals.md").read_text() == page(record)


def test_the_test_says_nothing_of_few_classes() -> None:
    cell = pair_record((0.4, 1.0, 0.5), 3, trials=50)
    assert cell["alarms"] is None and cell["held"] is not None


@pytest.mark.parametrize("setting", list(BOARDS))
def test_rank_intervals_hold_the_true_ranks_where_a_bootstrap_does_not(setting: str) -> None:
    """60 of the page's simulated boards; what both say beside is in the record."""
    cell = rank_record(setting, 12, trials=60)
    assert cell["held"] >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 60)
    assert setting == "a step apart" or cell["naive_held"] < 0.5
    assert 1 <= cell["span"] <= 12


def test_true_ranks_are_several_where_merits_are_equal() -> None:
    least, largest = true_ranks(np.array([0.5, 0.1, 0.5, 0.9]))
    assert (least.tolist(), largest.tolist()) == ([2, 1, 2, 4], [3, 1, 3, 4])


def test_a_bootstrap_of_ranks_by_hand() -> None:
    """Whichever classes are drawn, the first is below the second."""
    table = np.array([[0.1, 0.2, 0.1], [0.8, 0.9, 0.9]])
    low, high = rank_bootstrap(table, np.random.default_rng(0))
    assert low.tolist() == high.tolist() == [1, 2]


def test_the_record_of_ranks_keeps_to_the_level() -> None:
    record = json.loads((ROOT / "docs/runs/coverage.json").read_text())
    assert list(record["ranks"]) == list(BOARDS)
    cells = [cell for found in record["ranks"].values() for cell in found]
    assert min(cell["held"] for cell in cells) > 0.95 - 3 * math.sqrt(
        0.05 * 0.95 / record["board_trials"]
    )
    alike = [c for name in BOARDS if "alike" in name for c in record["ranks"][name]]
    assert max(cell["naive_held"] for cell in alike) < 0.5
