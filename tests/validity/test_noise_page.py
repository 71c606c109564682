"""Where the spread over seeds comes from, on cells that were made with a known answer."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from scripts.validity.noise import changed
from scripts.validity.noise_page import of_a_build, page, seed_means, spread, table_of, taken
from scripts.validity.variance import variance_components
from spurbench_builders.recipes.files import load_recipe

CLASSES = ("koala", "drake", "ladybug")


def cell(name: str, seeds: tuple[int, int, int], share: float) -> dict[str, Any]:
    hits = [round(1000 * share) + offset for offset in (-20, 0, 0, 20)]
    keys = ("references", "training", "samples")
    return {"class_name": name, **dict(zip(keys, seeds, strict=True)), "n": 1000, "clean": hits}


def crossed() -> list[dict[str, Any]]:
    """Training moves all classes alike by 10 points, references each class by 5; samples nothing."""
    rng = np.random.default_rng(0)
    by_training = dict(zip(range(20), rng.normal(0, 0.10, 20), strict=True))
    by_reference = {(k, r): rng.normal(0, 0.05) for k in CLASSES for r in range(20)}
    return [
        cell(k, (r, t, p), 0.5 + by_training[t] + by_reference[k, r])
        for k, r, t, p in product(CLASSES, range(20), range(20), range(2))
    ]


def test_each_seed_has_its_share_of_a_builds_variance() -> None:
    table = table_of(crossed()[::-1])
    assert table.shape == (3, 20, 20, 2)
    found = of_a_build(variance_components(table), classes=3)
    assert found["training"] == pytest.approx(0.01, rel=0.5)
    assert found["references"] == pytest.approx(0.0025 / 3, rel=0.5), "it averages out over classes"
    assert found["samples"] < 1e-5 and found["together"] < 1e-5
    with pytest.raises(ValueError, match="1 cells are missing"):
        table_of(crossed()[1:])


def test_the_spread_of_seed_means_and_its_interval() -> None:
    shares = np.array([[0.2, 0.5, 0.6], [0.4, 0.7, 0.7], [0.1, 0.3, 0.5]])  # (seed, class)
    cells = [
        cell(k, (s, s, s), shares[i, j])
        for i, s in enumerate((104, 100, 102))
        for j, k in enumerate(CLASSES)
    ]
    means = seed_means(cells)
    assert means == pytest.approx([0.6, 0.3, 1.3 / 3]), "by seed, in order: 100, 102, 104"
    value, low, high = spread(means)
    assert value == pytest.approx(np.std([0.6, 0.3, 1.3 / 3], ddof=1))
    # P(low <= sigma <= high): 2 (s / sigma)^2 is chi-squared of 2 degrees of freedom.
    assert stats.chi2.sf(2 * (value / low) ** 2, 2) == pytest.approx(0.025)
    assert stats.chi2.cdf(2 * (value / high) ** 2, 2) == pytest.approx(0.025)


def test_the_page_says_what_the_work_folder_holds(tmp_path: Path) -> None:
    same = [cell(k, (s, s, s), 0.4 + 0.1 * s) for k in CLASSES for s in (1, 2, 3)]
    for name, cells, settings in (
        ("default", crossed(), []),
        ("averaged", same, ["training.average=0.9"]),
    ):
        lines = "".join(json.dumps(c) + "\n" for c in cells)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
        said = json.dumps({"recipe": "micro", "set": settings})
        (tmp_path / f"{name}.json").write_text(said, encoding="utf-8")
    record = taken(tmp_path)
    assert (record["default"]["design"], record["averaged"]["design"]) == ("crossed", "same")
    text = page(record)
    assert "| averaged | training.average=0.9 | 3 | 1 to 3 | 60.0 | 10.0 [5.2, 62.8] |" in text
    row = next(line for line in text.splitlines() if line.startswith("| default |"))
    training = row.split("|")[4]
    assert "%" in training and float(training.split("(")[1].split("%")[0]) > 80


def test_settings_change_a_recipe() -> None:
    made = changed(
        load_recipe("micro"),
        ["training.average=0.98", "training.schedule=cosine", "similarity.class_weights=null"],
        "tried",
    )
    plain = load_recipe("micro")
    assert (made.training.average, made.training.schedule) == (0.98, "cosine")
    assert made.similarity.class_weights == {} != plain.similarity.class_weights
    assert made.training.steps == plain.training.steps and made.name == "tried"
