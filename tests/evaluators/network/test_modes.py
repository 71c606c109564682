"""The self-test on networks that are not as they are meant to answer: in training mode, with a softmax."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from spurbench.contracts import ModelFacts, Transform
from spurbench.errors import UserError
from spurbench.selftest import check_classifier
from spurbench_evaluators.network.classifier import NetworkClassifier
from tests.evaluators.fakes import micro_labels


def classifier(*layers: nn.Module, training: bool = False) -> NetworkClassifier:
    facts = ModelFacts("network", 1, "0" * 64, "made")
    made = NetworkClassifier(
        "made/x",
        nn.Sequential(*layers),
        micro_labels(),
        Transform("crop", 16, 16),
        facts,
        (0.5,) * 3,
        (0.25,) * 3,
    )
    made.network.train(training)
    return made


def layers(*inside: nn.Module, after: tuple[nn.Module, ...] = ()) -> tuple[nn.Module, ...]:
    torch.manual_seed(0)
    first = (nn.Conv2d(3, 8, 3), *inside, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return (*first, nn.Linear(8, 12), *after)


KINDS = {
    "batch statistics": lambda: layers(nn.BatchNorm2d(8), nn.GELU()),
    "dropout": lambda: layers(nn.GELU(), nn.Dropout2d(0.3)),
    "a little dropout": lambda: layers(nn.GELU(), nn.Dropout(0.1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_in_training_mode_is_refused_and_in_evaluation_mode_passes(kind: str) -> None:
    check_classifier(classifier(*KINDS[kind]()))
    with pytest.raises(
        UserError,
        match=r"^made/x: answers a picture alone otherwise than among others \(by [\d.e-]+\); put its "
        r"network into evaluation mode: network\.eval\(\)$",
    ):
        check_classifier(classifier(*KINDS[kind](), training=True))


def test_batch_statistics_of_one_value_are_refused_in_one_line_too() -> None:
    """torch itself raises for a batch of one: an error of its own, not an answer."""
    made = layers(after=(nn.BatchNorm1d(12),))
    check_classifier(classifier(*made))
    with pytest.raises(
        UserError, match=r"^made/x: cannot answer a picture alone \(Expected more"
    ) as e:
        check_classifier(classifier(*made, training=True))
    assert str(e.value).endswith("; put its network into evaluation mode: network.eval()")
    assert "\n" not in str(e.value)


def test_training_mode_without_anything_that_it_changes_passes() -> None:
    check_classifier(classifier(*layers(nn.GELU()), training=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_probabilities_are_refused(dtype: torch.dtype) -> None:
    class Rounded(nn.Softmax):
        def forward(self, logits: Tensor) -> Tensor:
            return super().forward(logits).to(dtype)

    with pytest.raises(UserError) as error:
        check_classifier(classifier(*layers(after=(Rounded(dim=1),))))
    assert str(error.value) == (
        "made/x: gives probabilities, not logits (each row lies in [0, 1] and sums to 1); leave out its "
        "softmax"
    )


class Plus(nn.Module):
    def __init__(self, amount: float) -> None:
        super().__init__()
        self.amount = amount

    def forward(self, values: Tensor) -> Tensor:
        return values + self.amount


@pytest.mark.parametrize(
    "after",
    [
        (nn.LogSoftmax(dim=1),),
        (nn.Sigmoid(),),  # of many labels: rows that do not sum to 1
        (Plus(1e4),),
        (nn.ReLU(),),
    ],
    ids=["log probabilities", "sigmoids", "far from 0", "above 0"],
)
def test_answers_that_are_no_probabilities_pass(after: tuple[nn.Module, ...]) -> None:
    check_classifier(classifier(*layers(after=after)))


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 0.3])
def test_a_network_that_says_the_same_of_everything_passes(value: float) -> None:
    made = classifier(*layers())
    head = made.network[-1]  # type: ignore[index]
    assert isinstance(head, nn.Linear)
    nn.init.zeros_(head.weight)
    nn.init.constant_(head.bias, value)
    check_classifier(made)


def test_logits_that_hardly_differ_far_from_0_pass() -> None:
    """Rounding of float32 at 100,000 is a hundredth; what the logits differ by is less than ten of it."""
    made = classifier(*layers(after=(nn.Tanhshrink(), Plus(1e5))))
    real = made.logits

    def shaky(images: Tensor) -> Tensor:
        return real(images) + 0.0078125 * (len(images) == 1)

    made.logits = shaky  # type: ignore[method-assign]
    check_classifier(made)
