"""The load-time self-test: heads, logits, and a normalisation that acts once and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from spurbench.contracts import LabelSpace, ModelFacts, Normalisation, Transform
from spurbench.errors import UserError
from spurbench.selftest import check_classifier, measured_normalisation
from spurbench_evaluators.network.classifier import RAW, NetworkClassifier

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalisation(MEAN, STD)


class Normalise(nn.Module):
    """A normalisation inside a network."""

    def __init__(self, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD) -> None:
        super().__init__()
        self.mean, self.std = torch.tensor(mean), torch.tensor(std)

    def forward(self, images: Tensor) -> Tensor:
        scaled: Tensor = (images - self.mean.view(1, 3, 1, 1)) / self.std.view(1, 3, 1, 1)
        return scaled


class Patches(nn.Module):
    """(N, 3, 16, 16) to (N, 16, 48): every 4 x 4 patch as one row."""

    def forward(self, images: Tensor) -> Tensor:
        patches: Tensor = nn.functional.unfold(images, 4, stride=4).transpose(1, 2)
        return patches


class Frequencies(nn.Module):
    """Mixes all the pixels before anything is weighted."""

    def forward(self, images: Tensor) -> Tensor:
        amplitudes: Tensor = torch.fft.rfft2(images).abs()
        return amplitudes


def convolutional(*before: nn.Module, channels: int = 3, outputs: int = 5) -> nn.Module:
    torch.manual_seed(0)
    rest = (nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, outputs))
    return nn.Sequential(*before, *rest)


def classifier(
    network: nn.Module,
    mean: tuple[float, ...] = MEAN,
    std: tuple[float, ...] = STD,
    reaches: Normalisation | None = None,
) -> NetworkClassifier:
    space = LabelSpace("made", "made", tuple("abcde"))
    facts = ModelFacts("made", 0, "0" * 64, "made")
    return NetworkClassifier(
        "made/x", network, space, Transform("crop", 16, 16), facts, mean, std, reaches
    )


def near(found: Normalisation | None, wanted: Normalisation) -> bool:
    assert found is not None
    return found.mean == pytest.approx(wanted.mean, abs=1e-4) and found.std == pytest.approx(
        wanted.std, abs=1e-4
    )


STEMS: dict[str, Callable[[], nn.Module]] = {
    "convolution": convolutional,
    "padded": lambda: convolutional(nn.ZeroPad2d(2)),
    "space to depth": lambda: convolutional(nn.PixelUnshuffle(2), channels=12),
    "patches": lambda: nn.Sequential(Patches(), nn.Linear(48, 4), nn.Flatten(), nn.Linear(64, 5)),
}


@pytest.mark.parametrize("stem", STEMS)
def test_the_normalisation_is_measured_whatever_the_stem(stem: str) -> None:
    good = classifier(STEMS[stem]())
    assert near(measured_normalisation(good), IMAGENET)
    check_classifier(good)
    check_classifier(classifier(STEMS[stem](), (0.0,) * 3, (1.0,) * 3))


@pytest.mark.parametrize("stem", STEMS)
def test_twice_and_never_are_found_whatever_the_stem(stem: str) -> None:
    with pytest.raises(UserError, match="made/x: pictures are normalised twice"):
        check_classifier(classifier(nn.Sequential(Normalise(), STEMS[stem]())))
    never = classifier(STEMS[stem](), RAW.mean, RAW.std, reaches=IMAGENET)
    with pytest.raises(UserError, match="as they are, never normalised"):
        check_classifier(never)


def test_a_network_that_normalises_itself_passes_as_such() -> None:
    inside = nn.Sequential(Normalise(), convolutional())
    check_classifier(classifier(inside, RAW.mean, RAW.std, reaches=IMAGENET))


def test_another_normalisation_than_the_card_says_is_shown() -> None:
    halves = Normalise((0.5,) * 3, (0.5,) * 3)
    with pytest.raises(UserError, match=r"is fed \(x - \[0.5, 0.5, 0.5\]\) / \[0.5, 0.5, 0.5\]"):
        check_classifier(
            classifier(nn.Sequential(halves, convolutional()), RAW.mean, RAW.std, reaches=IMAGENET)
        )


def test_what_cannot_be_measured_passes() -> None:
    mixed = classifier(convolutional(Frequencies()))
    assert measured_normalisation(mixed) is None
    check_classifier(mixed)


def test_a_classifier_that_declares_nothing_is_held_to_nothing() -> None:
    silent = classifier(nn.Sequential(Normalise(), convolutional()))
    silent.normalisation = None
    check_classifier(silent)


def test_heads_of_another_size_and_nan_weights() -> None:
    with pytest.raises(UserError, match=r"gives \(7,\) outputs, but its label space made has 5"):
        check_classifier(classifier(convolutional(outputs=7)))
    broken = convolutional()
    next(broken.parameters()).data.fill_(float("nan"))
    with pytest.raises(UserError, match="gives NaN or infinite logits; check its weights"):
        check_classifier(classifier(broken))


def test_features_and_head_of_any_network_with_one_linear_head() -> None:
    plain = classifier(convolutional())
    images = torch.rand(2, 3, 16, 16, requires_grad=True)
    weight, bias = plain.head
    features = plain.features(images)
    torch.testing.assert_close(features @ weight.T + bias, plain.logits(images))
    features.sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None and images.grad.abs().sum() > 0
    doubled = nn.Sequential(convolutional(), nn.ReLU())
    with pytest.raises(TypeError, match="not the outputs of one linear layer"):
        classifier(doubled).features(images)
