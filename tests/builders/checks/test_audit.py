"""The audit: the nearest reference, the object's probability, and pictures that show nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from spurbench.errors import UserError
from spurbench_builders.checks.audit import (
    Finding,
    audit,
    audit_summary,
    is_degenerate,
    object_probabilities,
)
from tests.builders.made import Referee, marked


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def flat(*colour: int, size: tuple[int, int] = (6, 4)) -> Image.Image:
    return Image.new("RGB", size, colour)


def distance(one: Image.Image, two: Image.Image) -> float:
    """Root of the mean of squares, picture by picture, in [0, 1]."""
    pairs = zip(one.tobytes(), two.tobytes(), strict=True)
    squares = [((a - b) / 255) ** 2 for a, b in pairs]
    return math.sqrt(sum(squares) / len(squares))


def test_the_nearest_reference_and_how_far_it_is() -> None:
    """A copy lies at 0; among others the nearest is neither the farthest nor the first."""
    references = [flat(0, 0, 0), flat(100, 50, 25), flat(255, 255, 255), flat(110, 90, 20)]
    images = [flat(90, 50, 30), flat(255, 255, 255), flat(200, 201, 202), flat(20, 0, 0)]
    found = audit(images, references, None, "koala")
    assert [f.nearest_reference for f in found] == [1, 2, 2, 0]
    for image, finding in zip(images, found, strict=True):
        every = [distance(image, r) for r in references]
        assert finding.nearest_distance == pytest.approx(min(every), abs=1e-12)
        assert finding.nearest_reference == every.index(min(every))
    assert found[1].nearest_distance == 0


def test_distances_are_over_all_pixels_and_channels_of_pictures_that_are_not_square() -> None:
    images, references = [marked(n) for n in (30, 90, 160)], [marked(n) for n in (80, 100, 20, 90)]
    found = audit(images, references, None, "koala")
    for image, finding in zip(images, found, strict=True):
        every = [distance(image, r) for r in references]
        assert finding.nearest_distance == pytest.approx(min(every), abs=1e-12)
        assert finding.nearest_reference == every.index(min(every))
    assert found[1] == Finding(None, 3, 0.0, False)


def test_references_of_another_size_are_brought_to_the_pictures() -> None:
    image, large = marked(7, (14, 10)), marked(8, (40, 25))
    (found,) = audit([image], [large], None, "koala")
    fitted = large.resize((14, 10), Image.Resampling.BICUBIC)
    assert found.nearest_distance == pytest.approx(distance(image, fitted), abs=1e-12)


def test_every_picture_has_its_own_findings() -> None:
    images = [marked(40), flat(9, 9, 9, size=(14, 10)), marked(70)]
    references = [marked(70), marked(41)]
    found = audit(images, references, Referee(), "freight car")
    shown = [sigmoid(1 - n / 30) for n in (40, 9, 70)]
    assert [f.object_probability for f in found] == pytest.approx(shown, abs=1e-6)
    assert [f.degenerate for f in found] == [False, True, False]
    assert found[2].nearest_reference == 0 and found[2].nearest_distance == 0


def test_the_referee_answers_for_the_classs_own_object_in_every_batch() -> None:
    numbers = [3 * i for i in range(7)]
    images = [marked(n) for n in numbers]
    for name, expected in (
        ("koala", [sigmoid(n / 50 - 2) for n in numbers]),
        ("freight car", [sigmoid(1 - n / 30) for n in numbers]),
    ):
        for batch in (64, 7, 3, 1):
            found = object_probabilities(images, Referee(), name, batch)
            assert found == pytest.approx(expected, abs=1e-6)
    with pytest.raises(UserError) as caught:
        object_probabilities(images, Referee(), "crane")
    assert str(caught.value) == "made/referee: cannot tell whether a picture shows a crane"


def test_the_referee_sees_so_many_pictures_at_a_time_in_its_own_framing() -> None:
    seen: list[tuple[int, ...]] = []

    class Counting(Referee):
        def logits(self, images: Tensor) -> Tensor:
            seen.append(tuple(images.shape))
            assert float(images.min()) >= 0 and float(images.max()) <= 1
            return super().logits(images)

    object_probabilities([marked(n) for n in range(7)], Counting(), "koala", 3)
    assert seen == [(3, 3, 6, 6), (3, 3, 6, 6), (1, 3, 6, 6)]
    object_probabilities([marked(n) for n in range(70)], Counting(), "koala")
    assert [shape[0] for shape in seen[3:]] == [64, 6]


def test_black_and_constant_pictures_are_degenerate() -> None:
    for colour in ((0, 0, 0), (255, 255, 255), (200, 10, 90)):
        assert is_degenerate(flat(*colour))
    half = np.zeros((4, 6, 3), dtype=np.uint8)
    half[:, :3, 1] = 1
    assert is_degenerate(Image.fromarray(half)), "half a grey level of spread"
    half[:, :3, 1] = 2
    assert not is_degenerate(Image.fromarray(half)), "a whole level, in one channel"
    rows = np.zeros((4, 6, 3), dtype=np.uint8)
    rows[:2, :, 2] = 40
    assert not is_degenerate(Image.fromarray(rows)) and not is_degenerate(marked(5))
    columns = np.zeros((4, 6, 3), dtype=np.uint8)
    columns[:, :1] = 9
    assert not is_degenerate(Image.fromarray(columns))


def test_the_summary_counts_objects_above_the_threshold() -> None:
    plain = Finding(0.4, 0, 0.1, False)
    findings = [replace(plain, object_probability=p) for p in (0.1, 0.3, 0.31, 0.9, 0.95)]
    assert audit_summary(findings, 0.3) == "; object found in 3"
    assert audit_summary(findings, 0.95) == "; object found in 0"
    findings[1] = replace(plain, object_probability=0.2, degenerate=True)
    assert audit_summary(findings, 0.92) == "; object found in 1; 1 black or constant"
    unknown = [replace(f, object_probability=None) for f in findings]
    assert audit_summary(unknown, 0.3) == "; 1 black or constant"
    assert audit_summary([replace(f, degenerate=False) for f in unknown], 0.3) == ""
    findings[0] = replace(plain, object_probability=0.0)
    assert audit_summary(findings[:1], 0.3) == "; object found in 0"
