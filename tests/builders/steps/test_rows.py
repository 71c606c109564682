"""Rows: every picture beside what was found of it and of no other."""

from __future__ import annotations

import hashlib
from pathlib import Path

from spurbench.dataset.schema import PanelPrediction, Row
from spurbench.pictures import png_bytes
from spurbench_builders.steps.rows import generated_rows, reference_rows, validation_rows
from tests.builders.made import CARD, LABEL, made_pool, marked


def said(one: int, two: int, probability: float) -> tuple[PanelPrediction, ...]:
    return (PanelPrediction("a", one, probability), PanelPrediction("b", two, 1 - probability))


SAID = [said(7, LABEL, 0.1), said(LABEL, LABEL, 0.2), said(LABEL, 7, 0.3), said(7, 7, 0.4)]


def test_references_are_the_whole_pool_with_those_trained_on_marked() -> None:
    pool = made_pool(30, 10, 40, 20)
    assert reference_rows(CARD, pool, SAID, [3, 1]) == [
        Row(
            png=picture.png,
            label=3,
            class_name="freight car",
            source="si",
            index=i,
            origin=f"picture {number}",
            sha256=hashlib.sha256(picture.png).hexdigest(),
            predictions=SAID[i],
            consistently_spurious=i == 1,
            is_training_reference=i in (1, 3),
        )
        for i, (number, picture) in enumerate(zip((30, 10, 40, 20), pool, strict=True))
    ]


def finding(nearest: int, distance: float, degenerate: bool) -> dict[str, object]:
    return {
        "object_probability": distance / 2,
        "nearest_reference": nearest,
        "nearest_distance": distance,
        "degenerate": degenerate,
    }


FINDINGS = [finding(1, 0.5, True), finding(0, 0.25, False), finding(1, 0.75, False)]


def test_generated_pictures_carry_their_own_findings(tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.png" for n in (70, 80, 90)]
    for file in files:
        file.write_bytes(png_bytes(marked(int(file.stem))))
    rows = generated_rows(
        CARD,
        files,
        [900, 901, 905],
        SAID[:3],
        FINDINGS,
        made_pool(60, 40),
        [False, True, False],
        prompt="a photo",
        recipe="made@1",
    )
    assert rows == [
        Row(
            png=files[i].read_bytes(),
            label=3,
            class_name="freight car",
            source="generated",
            index=i,
            origin=f"seed {seed}",
            sha256=hashlib.sha256(files[i].read_bytes()).hexdigest(),
            prompt="a photo",
            seed=seed,
            recipe="made@1",
            predictions=SAID[i],
            consistently_spurious=i == 1,
            object_probability=distance / 2,
            nearest_reference=nearest,
            nearest_distance=distance,
            degenerate=i == 0,
            safety_flagged=i == 1,
        )
        for i, (seed, nearest, distance) in enumerate(
            [(900, "picture 40", 0.5), (901, "picture 60", 0.25), (905, "picture 40", 0.75)]
        )
    ]
    assert all(set(f) >= {"nearest_reference"} for f in FINDINGS), "findings are left as they are"


def test_without_a_safety_checker_nothing_is_said_of_safety(tmp_path: Path) -> None:
    file = tmp_path / "1.png"
    file.write_bytes(png_bytes(marked(1)))
    (row,) = generated_rows(CARD, [file], [5], SAID[:1], FINDINGS[1:2], made_pool(60), None)
    assert row.safety_flagged is None and row.nearest_reference == "picture 60"


def test_validation_pictures_are_known_by_their_class_alone() -> None:
    pool = made_pool(200, 100)
    assert validation_rows(CARD, pool) == [
        Row(p.png, 3, "freight car", "val", i, p.origin, hashlib.sha256(p.png).hexdigest())
        for i, p in enumerate(pool)
    ]
