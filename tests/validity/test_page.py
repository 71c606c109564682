"""The page says what the recorded zoo says: checked on a small zoo that was made up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scripts.validity.page import Page, plot
from scripts.validity.reliance import reliance
from scripts.validity.scores import packed, unpacked
from scripts.validity.tables import read_tables

CLASSES = [f"class {i}" for i in range(8)]
CHANGES = (
    "as drawn", "no companion", "other companion", "other style", "no object", "other object",
    "neither",
)  # fmt: skip


def answers(leans: float) -> dict[str, list[float]]:
    """A network that answers "k" by the companion with chance ``leans``, else by the object."""
    shares = {
        "as drawn": 0.95,
        "no companion": 0.95 - leans,
        "other companion": 0.9 - leans,
        "other style": 0.9 - leans / 2,
        "no object": 0.05 + leans / 2,
        "other object": leans / 2,
        "neither": 0.05,
    }
    return {change: [shares[change], shares[change] / 2] for change in CHANGES}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("zoo")
    leans = np.linspace(0.05, 0.85, 12)
    names = [*(f"net-{i}" for i in range(9)), "panel/a", "panel/b", "panel/c"]
    sets = ["si", "main 0", "main 1", "main 2", "guidance 2 0", "any picture", "with the object"]
    zoo: dict[str, Any] = {"members": {}}
    scores: dict[str, Any] = {"sets": sets, "networks": {}}
    for name, lean in zip(names, leans, strict=True):
        zoo["members"][name] = {"top1": 0.9, "answers": {k: answers(lean) for k in CLASSES}}
        scores["networks"][name] = {
            of: {k: made(rng, of, float(lean)) for k in CLASSES} for of in sets
        }
    for file, value in (("zoo.json", zoo), ("scores.json", scores)):
        (folder / file).write_text(json.dumps(value), encoding="utf-8")
    return Page(read_tables(folder / "zoo.json", folder / "scores.json"))


def made(rng: np.random.Generator, of: str, lean: float) -> dict[str, Any]:
    rate = {"any picture": 0.3, "with the object": 0.95}.get(of, lean)
    return {"hits": packed(rng.uniform(size=40) < rate), "p": rate, "auc": 1 - rate / 2}


def test_bits_come_back() -> None:
    bits = np.array([1, 0, 0, 1, 1, 1, 0, 1, 1], dtype=bool)
    assert packed(bits) == "9:9d80" and (unpacked("9:9d80") == bits).all()


def test_reliance_is_the_shapley_value_of_the_companion() -> None:
    found = reliance(answers(0.4))
    assert found.needed == pytest.approx(0.4) and found.enough == pytest.approx(0.2)
    assert found.companion == pytest.approx(0.3)
    assert found.object == pytest.approx(((0.95 - 0.25) + (0.55 - 0.05)) / 2)
    assert found.companion + found.object == pytest.approx(0.95 - 0.05), "efficiency"
    assert found.swapped == pytest.approx(0.45) and found.restyled == pytest.approx(0.25)
    halved = reliance(answers(0.4), reading=1)
    assert halved.companion == pytest.approx(0.15)


def test_tables_keep_networks_classes_and_kinds_of_score_apart(page: Page) -> None:
    tables = page.tables
    assert page.zoo == [f"net-{i}" for i in range(9)] and tables.panel == [
        "panel/a",
        "panel/b",
        "panel/c",
    ]
    hits = tables.hits("main 1", page.zoo)
    assert hits.shape == (9, 8, 40)
    stored = tables.scores["net-3"]["main 1"]["class 5"]["hits"]
    assert (hits[3, 5] == unpacked(stored)).all()
    assert tables.score("mean p", "si", ["net-4"])[0, 0] == pytest.approx(0.05 + 4 * 0.8 / 11)
    assert tables.score("1 - AUC", "si", ["net-0"])[0, 0] == pytest.approx(0.025)
    consistent = tables.score("consistent share", "si", ["net-8"])
    everyone = tables.hits("si", tables.panel).all(axis=0)
    assert consistent == pytest.approx((tables.hits("si", ["net-8"]) & everyone).mean(axis=2))
    assert 0 < consistent.mean() < tables.hits("si", ["net-8"]).mean()
    assert page.seeds == ["main 0", "main 1", "main 2"] and page.variants == ["guidance 2 0"]


def test_good_pictures_are_valid_and_planted_ones_are_not(page: Page) -> None:
    for name in ("si", "generated"):
        assert page.validity("spurious accuracy", name).low > 0.9
    bad = page.validity("spurious accuracy", "any picture")
    assert bad.low < 0 < bad.high and bad.value < 0.75
    text = page.text()
    assert f"| any picture | {bad.value:.2f} [{bad.low:.2f}, {bad.high:.2f}] |" in text
    assert "9 classifiers were trained" in text and "8 classes of 100" in text


def test_the_page_s_tables_are_whole(page: Page) -> None:
    text = page.text()
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        widths = {line.count("|") for line in block.strip().splitlines()}
        assert len(widths) == 1, block
    assert "nan" not in text
    row = re.search(r"^\| `net-0` \| 90\.0 \| (\S+) ± (\S+) \| (\S+) \|", text, re.MULTILINE)
    assert row and float(row[1]) == pytest.approx(100 * (0.05 + 0.025) / 2, abs=0.06)
    assert float(row[2]) == pytest.approx(0, abs=0.01), "all classes are alike here"
    assert "| guidance 2 |" in text and "| main |" in text


def test_the_plot_is_a_picture_and_the_same_each_time(page: Page, tmp_path: Path) -> None:
    first = plot(page)
    (tmp_path / "p.png").write_bytes(first)
    with Image.open(tmp_path / "p.png") as image:
        assert image.width > 600 and len(image.convert("RGB").getcolors(1 << 20) or []) > 10
    assert plot(page) == first
