"""Framings, held to torchvision: which pixels a classifier is shown of which split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from spurbench.contracts import Transform
from spurbench.errors import UserError
from spurbench.prediction import framed
from spurbench_evaluators.run.framing import FRAMINGS, Framing, framing_of, reframe
from tests.conftest import picture
from tests.evaluators.fakes import Fake

BICUBIC, BILINEAR = v2.InterpolationMode.BICUBIC, v2.InterpolationMode.BILINEAR
# Its own framing has a resize and an interpolation that neither si nor squash may take over.
OWN = Transform("crop", 28, 45, "bilinear")

Shown = Callable[[Image.Image], Image.Image]
# What torchvision makes of a picture for OWN: of any split's, and of a validation picture.
THEIRS: dict[str, tuple[Shown, Shown]] = {
    "model": (
        v2.Compose([v2.Resize(45, BILINEAR), v2.CenterCrop(28)]),
        v2.Compose([v2.Resize(45, BILINEAR), v2.CenterCrop(28)]),
    ),
    "si": (v2.Resize(28, BICUBIC), v2.Compose([v2.Resize(32, BICUBIC), v2.CenterCrop(28)])),
    "squash": (v2.Resize((28, 28), BICUBIC), v2.Resize((28, 28), BICUBIC)),
}


@pytest.mark.parametrize("size", [(100, 60), (61, 90), (28, 28), (20, 31)])
@pytest.mark.parametrize("name", FRAMINGS)
def test_every_framing_shows_the_pixels_of_torchvision(name: str, size: tuple[int, int]) -> None:
    image, framing = picture(1, size), framing_of(OWN, name)
    pictures, validation = (np.asarray(shown(image)) for shown in THEIRS[name])
    for split in ("si", "generated"):
        assert np.array_equal(np.asarray(framed(image, framing.of(split))), pictures)
    assert np.array_equal(np.asarray(framed(image, framing.of("val"))), validation)


def test_a_framing_as_data_is_what_results_record_of_it() -> None:
    whole = Transform("shortest", 28, 28, "bicubic")
    assert framing_of(OWN, "model") == Framing(OWN, OWN)
    assert framing_of(OWN, "si") == Framing(whole, Transform("crop", 28, 32, "bicubic"))
    squashed = Transform("squash", 28, 28, "bicubic")
    assert framing_of(OWN, "squash") == Framing(squashed, squashed)


@pytest.mark.parametrize(("size", "resize"), [(224, 256), (227, 259), (299, 341), (64, 73)])
def test_validation_pictures_are_resized_as_spurious_imagenet_rounds_it(
    size: int, resize: int
) -> None:
    validation = framing_of(Transform("squash", size, 500, "lanczos"), "si").validation
    assert validation == Transform("crop", size, resize, "bicubic")


def test_a_framing_that_is_none_is_named() -> None:
    with pytest.raises(UserError, match="^unknown framing 'sii'; did you mean 'si'"):
        framing_of(OWN, "sii")


def test_reframing_gives_all_pictures_the_transform_of_references() -> None:
    fake = Fake()
    fake.transform = OWN
    reframe(fake, "si")
    assert fake.transform == Transform("shortest", 28, 28, "bicubic")
