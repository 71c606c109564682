"""The verdict follows the plan's rules, on made-up runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scripts.validity.verdict import Difference, departures, differences, page, sentence, with_sfsl
from spurbench.errors import UserError
from spurbench.scores.significance import holm
from spurbench.scores.statistics import Estimate, crossed_mean, crossed_p_value

NAMES = ("vanilla", "text-encoder", "attract-2", "micro-lora", "micro-textual-inversion")
LEVELS = (0.40, 0.55, 0.62, 0.60, 0.20)


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (0.012, 0.09, 0.01, "**helps**, by 1.2 to 9.0 points"),
        (-0.09, -0.012, 0.01, "**hurts**, by 1.2 to 9.0 points"),
        (0.012, 0.09, 0.06, "is **not settled**: it lies between +1.2 and +9.0 points"),
        (0.012, 0.04, 0.06, "**cannot matter** by more than 4.0 points"),
        (-0.041, 0.02, 0.5, "**cannot matter** by more than 4.1 points"),
        (-0.051, 0.02, 0.5, "is **not settled**: it lies between -5.1 and +2.0 points"),
        (-0.02, 0.05, 0.5, "is **not settled**: it lies between -2.0 and +5.0 points"),
        (0.06, 0.09, 0.01, "**helps**, by 6.0 to 9.0 points"),
    ],
)
def test_the_words_of_the_plan(low: float, high: float, p: float, said: str) -> None:
    found = Difference("It", "that", Estimate((low + high) / 2, low, high), p)
    assert found.verdict == said and sentence(found) == f"It, beside that, {said}."


def made(classes: int = 12, seeds: int = 10, images: int = 75) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    names = [f"class {k}" for k in range(classes)]
    cells = []
    for name, level in zip(NAMES, LEVELS, strict=True):
        for k in range(classes):
            for s in range(seeds):
                share = level + 0.01 * k - 0.005 * s + rng.normal(0, 0.02)
                raw = [round(images * share) + 3] * 4
                cells.append(
                    {
                        "variant": name, "class": names[k], "seed": s, "n": images, "hits": raw,
                        "clean_hits": [hits - 3 for hits in raw], "object_found": 3,
                    }
                )  # fmt: skip
    variants = [{"name": name, "title": f"row {name}"} for name in NAMES]
    variants[2] |= {"reading": "attract", "kappa": "2"}
    return {
        "classes": names, "seeds": list(range(seeds)), "images": images, "cells": cells,
        "variants": variants,
    }  # fmt: skip


def test_four_paired_differences_in_the_plan_s_order_corrected_together() -> None:
    record = made()
    tables = {
        name: np.array(
            [
                [
                    next(
                        np.mean(c["clean_hits"]) / 75
                        for c in record["cells"]
                        if (c["variant"], c["class"], c["seed"]) == (name, k, s)
                    )
                    for s in range(10)
                ]
                for k in record["classes"]
            ]
        )
        for name in NAMES
    }
    pairs = [(2, 1), (1, 0), (3, 2), (4, 2)]
    gaps = [tables[NAMES[a]] - tables[NAMES[b]] for a, b in pairs]
    found = differences(record)
    assert [d.gap for d in found] == [crossed_mean(gap) for gap in gaps]
    assert [d.p_value for d in found] == pytest.approx(holm([crossed_p_value(g) for g in gaps]))
    assert [d.gap.value for d in found] == pytest.approx([0.07, 0.15, -0.02, -0.42], abs=0.01)
    assert [d.verdict.split("**")[1] for d in found] == ["helps", "helps", "hurts", "hurts"]


def test_the_page_says_what_was_not_as_planned() -> None:
    assert departures(made()) == [] and "Not as planned" not in page(made())
    record = made(classes=6, seeds=5, images=40)
    assert departures(record) == [
        "6 classes instead of 12",
        "seeds [0, 1, 2, 3, 4] instead of 0 to 9",
        "40 pictures a class and seed instead of 75",
    ]
    text = page(record)
    assert "**Not as planned:** 6 classes instead of 12; seeds" in text
    assert "| row micro-lora |" in text and sentence(differences(record)[0]) in text


def test_more_than_one_row_of_attract_is_not_the_plan() -> None:
    record = made()
    record["variants"][1]["reading"] = "attract"
    with pytest.raises(UserError, match="one row of attract, the record 2"):
        with_sfsl(record)
