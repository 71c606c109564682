"""The load-time self-test: heads, logits, and a normalisation that acts once and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from spurbench.contracts import LabelSpace, ModelFacts, Normalisation, Transform
from spurbench.errors import UserError
from spurbench.selftest import check_classifier, measured_normalisation

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalisation(MEAN, STD)
RAW = Normalisation((0.0,) * 3, (1.0,) * 3)


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


@dataclass
class Made:
    """A classifier that feeds a network (x - mean) / std and declares ``normalisation``."""

    network: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalisation: Normalisation | None
    spec: str = "made/x"
    label_space: LabelSpace = LabelSpace("five", "made", tuple("abcde"))  # noqa: RUF009
    transform: Transform = Transform("crop", 16, 20)  # noqa: RUF009
    facts: ModelFacts = ModelFacts("made", 0, "0" * 64, "made")  # noqa: RUF009

    def logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(Normalise(self.mean, self.std)(images))
        return logits


def classifier(
    network: nn.Module,
    mean: tuple[float, ...] = MEAN,
    std: tuple[float, ...] = STD,
    reaches: Normalisation | None = None,
) -> Made:
    """It declares what it does, unless ``reaches`` says what it is to do."""
    return Made(network.eval(), mean, std, reaches or Normalisation(mean, std))


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
    """Each channel has a value of its own, so that none stands in for another."""
    other = Normalise((0.5, 0.25, 0.125), (0.5, 0.75, 2.0))
    with pytest.raises(UserError) as error:
        check_classifier(
            classifier(nn.Sequential(other, convolutional()), RAW.mean, RAW.std, reaches=IMAGENET)
        )
    assert str(error.value) == (
        "made/x: its first layer is fed (x - [0.5, 0.25, 0.125]) / [0.5, 0.75, 2], but its card says "
        "(x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225], once; mend the card or the network"
    )


@pytest.mark.parametrize("channel", range(3))
@pytest.mark.parametrize("part", ["mean", "std"])
def test_one_channel_that_is_off_is_noticed(channel: int, part: str) -> None:
    fed = {"mean": list(MEAN), "std": list(STD)}
    fed[part][channel] *= 1.01
    with pytest.raises(UserError, match="its first layer is fed"):
        check_classifier(
            classifier(convolutional(), tuple(fed["mean"]), tuple(fed["std"]), reaches=IMAGENET)
        )


def test_what_rounding_moves_is_no_fault() -> None:
    """Half precision keeps three digits: means and deviations come back a little off."""
    near_by = tuple(m + 1e-4 for m in MEAN), tuple(s * 1.0005 for s in STD)
    check_classifier(classifier(convolutional(), *near_by, reaches=IMAGENET))


def test_twice_is_told_whichever_channel_differs() -> None:
    uneven = Normalisation((0.1, 0.5, 0.9), (0.2, 0.5, 2.0))
    inside = nn.Sequential(Normalise(uneven.mean, uneven.std), convolutional())
    with pytest.raises(UserError, match="^made/x: pictures are normalised twice before its first"):
        check_classifier(classifier(inside, uneven.mean, uneven.std))


class FirstInput(Made):
    """A classifier that is not made of modules and says itself what reaches its first weights."""

    reached: Tensor | None = None
    shown: Tensor | None = None

    def first_input(self, images: Tensor) -> Tensor | None:
        self.shown = images
        return self.reached


def said(reached: Tensor | None) -> Normalisation | None:
    made = FirstInput(convolutional(), MEAN, STD, IMAGENET)
    made.reached = reached
    return measured_normalisation(made)


def test_the_plain_pictures_are_black_red_green_and_blue() -> None:
    made = FirstInput(convolutional(), MEAN, STD, IMAGENET)
    measured_normalisation(made)
    assert made.shown is not None and made.shown.shape == (4, 3, 16, 16)
    colours = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    expected = torch.tensor(colours).float()[:, :, None, None].expand(4, 3, 16, 16)
    assert torch.equal(made.shown, expected)


def plain() -> Tensor:
    pictures = torch.cat([torch.zeros(1, 3), torch.eye(3)])[:, :, None, None]
    return Normalise()(pictures.expand(4, 3, 16, 16).clone())  # type: ignore[no-any-return]


def test_what_a_classifier_says_of_its_first_input_counts() -> None:
    assert near(said(plain()), IMAGENET)
    half = said(plain().half())
    assert half is not None and half.mean == pytest.approx(MEAN, rel=2e-3)
    assert near(said(plain().flatten(1)), IMAGENET), "whatever its shape"


def few(pixels: int) -> Tensor:
    """What changes with the colour in so many places of each channel only."""
    fed = plain().flatten(2)
    fed[1:, :, pixels:] = fed[0, :, pixels:]
    return fed


def uneven() -> Tensor:
    fed = plain()
    fed[2, 1, 3, 4] += 0.5  # one pixel of green alone
    return fed


def shifted() -> Tensor:
    """One pixel that is lighter in all the pictures: a shift that is no channel's."""
    fed = plain()
    fed[:, 1, 3, 4] += 0.5
    return fed


@pytest.mark.parametrize(
    "reached",
    [None, plain()[:3], plain().long(), -plain(), few(128), uneven(), shifted(), plain() * 0],
    ids=["none", "three", "whole", "upside down", "few", "uneven", "shifted", "nothing"],
)
def test_what_is_no_scaling_of_channels_is_not_measured(reached: Tensor | None) -> None:
    assert said(reached) is None


def test_more_than_half_of_the_pixels_are_enough() -> None:
    assert near(said(few(129)), IMAGENET)


def test_what_cannot_be_measured_passes() -> None:
    mixed = classifier(convolutional(Frequencies()))
    assert measured_normalisation(mixed) is None
    check_classifier(mixed)


def test_a_classifier_that_declares_nothing_is_held_to_nothing() -> None:
    silent = classifier(nn.Sequential(Normalise(), convolutional()))
    silent.normalisation = None
    check_classifier(silent)
    del silent.normalisation
    check_classifier(silent)


def test_heads_of_another_size_and_nan_weights() -> None:
    with pytest.raises(UserError, match=r"gives \(7,\) outputs, but its label space five has 5"):
        check_classifier(classifier(convolutional(outputs=7)))
    broken = convolutional()
    next(broken.parameters()).data.fill_(float("nan"))
    with pytest.raises(UserError, match="gives NaN or infinite logits; check its weights"):
        check_classifier(classifier(broken))


def test_the_hook_is_gone_afterwards() -> None:
    """A network runs through again, and other networks do, whatever ended the measurement."""
    good = classifier(convolutional())
    measured_normalisation(good)
    assert good.logits(torch.rand(2, 3, 16, 16)).shape == (2, 5)

    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        measured_normalisation(classifier(Broken()))
    assert good.logits(torch.rand(2, 3, 16, 16)).shape == (2, 5)


def test_layers_without_weights_of_their_own_are_passed() -> None:
    """Batch normalisation has vectors only, so what is measured lies behind it."""
    norm = nn.BatchNorm2d(3, affine=True)
    norm.running_mean, norm.running_var = torch.tensor(MEAN), torch.tensor(STD) ** 2 - norm.eps
    inside = classifier(nn.Sequential(norm, convolutional()), RAW.mean, RAW.std, reaches=IMAGENET)
    assert near(measured_normalisation(inside), IMAGENET)
    assert measured_normalisation(classifier(nn.Sequential(nn.Flatten(), nn.ReLU()))) is None
