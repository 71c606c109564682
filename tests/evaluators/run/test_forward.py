"""Forward passes: memory that runs out, shapes that a network refuses, outputs that are none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spurbench import plugins
from spurbench.contracts import Classifier, Transform
from spurbench.errors import UserError
from spurbench_evaluators.api import score_pictures
from spurbench_evaluators.run.forward import Member, forward
from spurbench_evaluators.run.framing import framing_of
from spurbench_evaluators.run.placement import Placement, choose
from tests.evaluators.fakes import Fake, Hungry, small_network
from tests.evaluators.run.pictures import PICTURES

PIXELS = np.random.default_rng(0).integers(0, 256, (11, 8, 8, 3), dtype=np.uint8)
MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
]


def member(classifier: Classifier, framing: str = "model") -> Member:
    return Member(classifier, framing_of(classifier.transform, framing), choose("cpu"))


class Means(Fake):
    """Its first three outputs are the means of the colours."""

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        return torch.nn.functional.pad(images.mean(dim=(2, 3)), (0, 9))


def test_every_picture_gets_its_own_outputs_whatever_the_limit() -> None:
    expected = PIXELS.mean(axis=(1, 2)) / 255  # (11, 3)
    for limit, batches in [(None, [11]), (20, [11]), (4, [4, 4, 3]), (1, [1] * 11)]:
        runner = member(Means())
        runner.limit = limit
        got = forward(runner, PIXELS)
        assert got.shape == (11, 12) and np.allclose(got[:, :3].numpy(), expected, atol=1e-6)
        assert runner.classifier.batches == batches  # type: ignore[attr-defined]
        assert runner.limit == limit


class HungryMeans(Hungry, Means):
    """Both at once."""


@pytest.mark.parametrize("error", MEMORY)
@pytest.mark.parametrize(("most", "limit", "batches"), [(3, 2, [2] * 5 + [1]), (5, 5, [5, 5, 1])])
def test_out_of_memory_halves_the_batch_and_goes_on(
    error: Exception, most: int, limit: int, batches: list[int]
) -> None:
    runner = member(HungryMeans(most, error))
    got = forward(runner, PIXELS)
    assert runner.limit == limit and runner.classifier.batches == batches  # type: ignore[attr-defined]
    assert torch.equal(got, forward(member(Means()), PIXELS))
    assert forward(runner, PIXELS[:2]).shape == (2, 12) and runner.limit == limit, "it stays so"


@pytest.mark.parametrize("error", MEMORY)
def test_one_picture_too_many_is_said(error: Exception) -> None:
    runner = Member(
        Hungry(0, error),
        framing_of(Fake().transform, "model"),
        Placement("cpu", "float32"),
    )
    with pytest.raises(UserError) as said:
        forward(runner, PIXELS[:4])
    assert str(said.value) == (
        "fake/5: cpu has not the memory for one picture; use --device cpu or --dtype bfloat16"
    )


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes do not match"), MemoryError("DefaultCPUAllocator")]
)
def test_other_errors_are_what_they_are(error: Exception) -> None:
    runner = member(Hungry(0, error))
    with pytest.raises(type(error)) as said:
        forward(runner, PIXELS)
    assert said.value is error and runner.limit is None


def test_an_error_of_the_classifiers_own_words_passes() -> None:
    with pytest.raises(UserError, match="^mine$"):
        forward(member(Hungry(0, UserError("mine"))), PIXELS[:, :4])


def test_nothing_is_recorded_for_gradients() -> None:
    network = small_network()
    network.network.requires_grad_(True)
    assert not forward(member(network), PIXELS).requires_grad


def test_outputs_that_are_none_are_said_unless_they_are_not_checked() -> None:
    broken = Fake()
    broken.fill = float("nan")
    with pytest.raises(UserError, match="fake/5: gives NaN or infinite logits"):
        forward(member(broken), PIXELS)
    assert forward(member(broken), PIXELS, check=False).isnan().all()


class Fixed(Fake):
    """Takes squares of 8 pixels only; ``reason`` is how it says so."""

    def __init__(self, reason: str = "expected 8\nbut got more") -> None:
        super().__init__()
        self.reason = reason

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape[2:] != (8, 8):
            raise AssertionError(self.reason)
        return super().logits(images)


@pytest.mark.parametrize(("height", "width"), [(8, 9), (10, 8), (9, 9)])
@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("expected 8\nbut got more", "expected 8"),
        ("", "AssertionError"),
        ("x" * 200, "x" * 120),
    ],
)
def test_a_shape_that_a_network_cannot_take_is_one_line(
    height: int, width: int, reason: str, shown: str
) -> None:
    pixels = np.zeros((2, height, width, 3), dtype=np.uint8)
    with pytest.raises(UserError) as said:
        forward(member(Fixed(reason), "si"), pixels)
    assert str(said.value) == (
        f"fake/5: takes 8 x 8 pixels, not {width} x {height} ({shown}); "
        "use --framing model or squash"
    )


def test_a_network_that_fails_at_its_own_size_too_is_not_explained_away() -> None:
    for own, shape in [(8, (8, 9)), (12, (12, 12))]:
        broken = Fixed()
        broken.transform = Transform("crop", own, own)
        if own == 8:
            broken.logits = lambda images: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        with pytest.raises((ZeroDivisionError, AssertionError)):
            forward(member(broken, "si"), np.zeros((1, *shape, 3), dtype=np.uint8))


def test_pictures_that_a_vit_cannot_take_are_said_in_one_line() -> None:
    said = r"micro/vit: takes 64 x 64 pixels, not 83 x 64 .*; use --framing model or squash"
    with pytest.raises(UserError, match=said):
        score_pictures(plugins.classifier("micro/vit"), PICTURES[:2], 2, framing="si")
