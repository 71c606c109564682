"""The load-time self-test asks for logits once: of which pictures, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from spurbench.errors import UserError
from spurbench.selftest import check_classifier
from tests.core.test_selftest import MEAN, STD, Made


class Answering(Made):
    """Gives what ``answer`` makes of (N, 3, H, W), and keeps what it was shown."""

    shown: Tensor
    answer: Callable[[Tensor], Tensor]

    def logits(self, images: Tensor) -> Tensor:
        self.shown = images
        return self.answer(images)


def answering(answer: Callable[[Tensor], Tensor]) -> Answering:
    made = Answering(nn.Identity(), MEAN, STD, None)
    made.answer = answer
    return made


def test_logits_are_asked_of_two_pictures_that_vary() -> None:
    made, again = (answering(lambda images: torch.zeros(len(images), 5)) for _ in range(2))
    check_classifier(made)
    noise, ramp = made.shown
    assert made.shown.shape == (2, 3, 16, 16)
    assert noise.min() >= 0 and noise.max() <= 1 and noise.std() > 0.2
    assert len(noise.unique()) > 700, "no channel, row or column repeats another"
    assert torch.equal(ramp[0, 0], torch.linspace(0, 1, 16)) and torch.equal(ramp[2, 9], ramp[0, 0])
    torch.manual_seed(99)
    check_classifier(again)
    assert torch.equal(made.shown, again.shown), "the same on every run"


def test_logits_without_a_picture_axis_and_one_infinite_number() -> None:
    with pytest.raises(UserError, match=r"gives \(\) outputs"):
        check_classifier(answering(lambda images: torch.zeros(5)))
    with pytest.raises(UserError, match=r"gives \(5, 1\) outputs"):
        check_classifier(answering(lambda images: torch.zeros(2, 5, 1)))

    def last_is_infinite(images: Tensor) -> Tensor:
        logits = torch.zeros(len(images), 5)
        logits[-1, -1] = float("inf")
        return logits

    with pytest.raises(
        UserError, match="^made/x: gives NaN or infinite logits; check its weights$"
    ):
        check_classifier(answering(last_is_infinite))
