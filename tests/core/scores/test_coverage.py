"""How often intervals hold the truth, by the page's own simulation, and the page itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from scripts.coverage_page import CLASSES, RATES, mean_coverage, page, pair_record

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
