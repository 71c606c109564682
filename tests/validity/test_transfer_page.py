"""Transfer to a network that selected nothing, on cells that were made with a known answer."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from scripts.validity.transfer import NOBODY
from scripts.validity.transfer_page import page, shares, whole
from spurbench.scores.statistics import crossed_mean

PANEL = ["m/a", "m/b"]
CLASSES, SEEDS = ("koala", "drake", "ashcan"), (0, 1, 5)


def cells() -> list[dict[str, Any]]:
    """A member that selected nothing takes 20 of 100 fewer; classes and seeds move all alike."""
    found = []
    for out, (k, name), (s, seed) in product(
        [NOBODY, *PANEL], enumerate(CLASSES), enumerate(SEEDS)
    ):
        level = 60 + 8 * k - 3 * s
        hits = [level - 20 * (out == spec) + 2 * i for i, spec in enumerate(PANEL)]
        zoo = {"near": level - 5, "far": 4 * k + s}
        found.append(
            {
                "left_out": out,
                "class_name": name,
                "seed": seed,
                "selectable": 50,
                "n": 100,
                "hits": hits,
                "object_found": 0,
                "zoo": zoo,
            }
        )
    return found


def test_shares_are_by_class_and_seed_of_one_way_of_selecting() -> None:
    table = shares(cells()[::-1], "m/b", 1)
    # Classes by name: ashcan, drake, koala; b takes 2 more and, left out, 20 fewer.
    assert table == pytest.approx(
        np.array([[0.58, 0.55, 0.52], [0.50, 0.47, 0.44], [0.42, 0.39, 0.36]])
    )
    assert shares(cells(), NOBODY, "far")[0].tolist() == [0.08, 0.09, 0.10]


def test_a_class_that_lacks_a_way_is_left_out_and_named() -> None:
    part = [
        c for c in cells() if (c["left_out"], c["class_name"], c["seed"]) != ("m/a", "drake", 5)
    ]
    assert {c["class_name"] for c in whole(part)} == {"koala", "ashcan"}
    assert "Left out for too few references: drake." in page({"panel": PANEL, "cells": part})
    assert "Left out" not in page({"panel": PANEL, "cells": cells()})


def test_the_page_s_numbers() -> None:
    text = page({"panel": PANEL, "cells": cells()})
    assert "3 classes, seeds 0, 1, 5" in text
    row = next(line for line in text.splitlines() if line.startswith("| `m/b` |"))
    left, everyone, first, others, second = (part.strip() for part in row.split("|")[2:7])
    value = crossed_mean(shares(cells(), "m/b", 1))
    assert left == f"47.0 [{100 * value.low:.1f}, {100 * value.high:.1f}]"
    assert everyone.startswith("67.0 [") and others.startswith("65.0 [")
    assert first == "-20.0 [-20.0, -20.0]" and second == "-18.0 [-18.0, -18.0]"
    near = next(line for line in text.splitlines() if line.startswith("| `near` |"))
    assert near.endswith("| -6.0 [-6.0, -6.0] |"), "the panel's mean is 1 above its first member"
