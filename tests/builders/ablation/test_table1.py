"""Table 1: each class's and each classifier's own shares, pool beside generated, and their means."""

from __future__ import annotations

from typing import Any

from spurbench_builders.ablation import report
from spurbench_builders.ablation.variants import FULL

CLASSES, SEEDS, PANEL = ("koala", "boat", "crane"), (7, 2), ("micro/one", "micro/two")
POOL = {"koala": (40, [10, 30]), "boat": (50, [5, 40]), "crane": (80, [20, 8])}
MADE = {  # by class and seed: how many pictures, and how many of them each classifier takes
    ("koala", 7): (20, [5, 19]),
    ("koala", 2): (20, [11, 20]),
    ("boat", 7): (10, [1, 7]),
    ("boat", 2): (20, [4, 18]),
    ("crane", 7): (20, [13, 0]),
    ("crane", 2): (20, [20, 2]),
}


def made_record() -> dict[str, Any]:
    """Its cells stand in an order of their own, between those of another row."""
    cells = [
        {"variant": name, "class": label, "seed": seed, "n": n, "consistent": 3, "object_found": 1}
        | {"hits": hits if name == FULL else [0, 0], "clean_hits": hits}
        for (label, seed), (n, hits) in reversed(MADE.items())
        for name in ("other", FULL)
    ]
    pool = [{"class": label, "n": n, "hits": hits} for label, (n, hits) in reversed(POOL.items())]
    names = {"classes": list(CLASSES), "seeds": list(SEEDS), "panel": list(PANEL)}
    return {**names, "pool": pool, "cells": cells, "base": []}


def test_every_cell_is_the_classs_and_the_classifiers_own() -> None:
    """By hand: koala 10/40 in the pool; 5/20 and 11/20 made, hence 40.0 %; boat 1/10 and 4/20."""
    lines = report.table1(made_record()).splitlines()
    assert lines[:6] == [
        "| | `micro/one` | `micro/two` | mean |",
        "|---|---|---|---|",
        "| koala | 25.0 / 40.0 | 75.0 / 97.5 | 50.0 / 68.8 |",
        "| boat | 10.0 / 15.0 | 80.0 / 80.0 | 45.0 / 47.5 |",
        "| crane | 25.0 / 82.5 | 10.0 / 5.0 | 17.5 / 43.8 |",
        "| mean | 20.0 / 45.8 | 55.0 / 60.8 | 37.5 / 53.3 |",
    ]
    assert "Generated minus pool: **+15.8 [" in lines[-1]
    assert "Seed by seed (7, 2) the generated mean is 44.2, 62.5 %" in lines[-1]
