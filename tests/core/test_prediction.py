"""Pixels to a network's input, against torchvision; predictions in order, against softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import softmax
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from spurbench.contracts import LabelSpace, ModelFacts, Transform
from spurbench.errors import UserError
from spurbench.prediction import check_logits, framed, predict, to_tensor
from tests.conftest import picture

METHODS = {
    "bicubic": InterpolationMode.BICUBIC,
    "bilinear": InterpolationMode.BILINEAR,
    "lanczos": InterpolationMode.LANCZOS,
    "nearest": InterpolationMode.NEAREST,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(50, 31), (31, 50), (9, 12), (40, 40), (21, 24), (24, 21)])
def test_framings_are_torchvisions(size: tuple[int, int], method: str) -> None:
    image, how = picture(1, size), METHODS[method]
    for ours, theirs in [
        (Transform("shortest", 20, 99, method), v2.Resize(20, how)),
        (
            Transform("crop", 20, 24, method),
            v2.Compose([v2.Resize(24, how), v2.CenterCrop(20)]),
        ),
        (
            Transform("squash", 20, 24, method),
            v2.Compose([v2.Resize((24, 24), how), v2.CenterCrop(20)]),
        ),
        (Transform("crop", 21, 24, method), v2.Compose([v2.Resize(24, how), v2.CenterCrop(21)])),
        # Larger than what is left: padded with black, evenly and unevenly.
        (Transform("crop", 27, 24, method), v2.Compose([v2.Resize(24, how), v2.CenterCrop(27)])),
        (Transform("crop", 25, 20, method), v2.Compose([v2.Resize(20, how), v2.CenterCrop(25)])),
    ]:
        found, expected = framed(image, ours), theirs(image)
        assert found.size == expected.size and found.tobytes() == expected.tobytes(), ours


def test_the_tensor_has_channels_rows_columns_in_0_to_1() -> None:
    image = Image.new("RGB", (3, 2))
    image.putpixel((2, 1), (255, 51, 102))
    tensor = to_tensor(image)
    assert tensor.shape == (3, 2, 3) and tensor.dtype == torch.float32 and tensor.is_contiguous()
    assert tensor[:, 1, 2].tolist() == pytest.approx([1, 0.2, 0.4])
    assert tensor.sum().item() == pytest.approx(1.6)


@pytest.mark.parametrize("size", [(2, 101), (101, 2)])
def test_a_picture_that_is_too_long_is_refused_and_the_longest_is_not(
    size: tuple[int, int],
) -> None:
    for transform in (Transform("shortest", 4, 4), Transform("crop", 4, 4)):
        with pytest.raises(UserError) as error:
            framed(Image.new("RGB", size), transform)
        assert str(error.value) == (
            f"a picture of {size[0]} x {size[1]} pixels is too long to scale by its shorter edge; "
            "crop it, or use --framing squash"
        )
        framed(Image.new("RGB", (min(size[0], 100), min(size[1], 100))), transform)
    assert framed(Image.new("RGB", size), Transform("squash", 4, 4)).size == (4, 4)


class Made:
    """Logits (N, 3) from the mean red, green and blue, unless ``answer`` says otherwise."""

    spec = "made/x"
    label_space = LabelSpace("three", "made", tuple("abc"))
    facts = ModelFacts("made", 0, "0" * 64, "made")

    def __init__(self, answer: Callable[[Tensor], Tensor] | None = None) -> None:
        self.transform = Transform("shortest", 4, 4)
        self.answer = answer
        self.batches: list[tuple[int, ...]] = []

    def logits(self, images: Tensor) -> Tensor:
        self.batches.append(tuple(images.shape))
        assert torch.is_inference_mode_enabled()
        return self.answer(images) if self.answer else 9 * images.mean(dim=(2, 3))


def test_predictions_come_in_order_and_pictures_of_one_shape_share_a_batch() -> None:
    made = Made()
    sizes = [(4, 4), (4, 4), (8, 4), (8, 4), (8, 4), (4, 4), (4, 8)]
    images = [picture(i, size) for i, size in enumerate(sizes)]
    found = list(predict(made, iter(images), batch_size=4))
    assert made.batches == [
        (2, 3, 4, 4), (2, 3, 4, 8), (1, 3, 4, 8), (1, 3, 4, 4), (1, 3, 8, 4),
    ]  # fmt: skip
    for image, said in zip(images, found, strict=True):
        shares = softmax(9 * np.asarray(image, dtype=np.float64).mean(axis=(0, 1)) / 255)
        assert said.probabilities == pytest.approx(shares, abs=1e-5)
        assert said.probabilities.dtype == np.float64
        assert said.label == shares.argmax()
        assert said.probability == pytest.approx(shares.max(), abs=1e-5)
    assert len({said.label for said in found}) > 1
    assert list(predict(made, [])) == []


def test_a_batch_is_64_and_no_more_is_drawn_ahead() -> None:
    made, drawn = Made(), []

    def stream() -> object:
        for i in range(130):
            drawn.append(i)
            yield picture(0, (4, 4))

    said = predict(made, stream())  # type: ignore[arg-type]
    next(said)
    assert len(drawn) == 64
    assert len(list(said)) == 129
    assert [shape[0] for shape in made.batches] == [64, 64, 2]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: torch.zeros(len(x), 4), "gives (4,) outputs, but its label space three has 3"),
        (lambda x: torch.zeros(len(x)), "gives () outputs, but its label space three has 3"),
        (
            lambda x: torch.zeros(len(x), 3, 1),
            "gives (3, 1) outputs, but its label space three has 3",
        ),
        (
            lambda x: torch.tensor([[0.0, 0, 0]] * (len(x) - 1) + [[0, 0, float("nan")]]),
            "gives NaN or infinite logits; check its weights",
        ),
        (
            lambda x: torch.full((len(x), 3), float("-inf")),
            "gives NaN or infinite logits; check its weights",
        ),
    ],
)
def test_answers_that_are_none(answer: Callable[[Tensor], Tensor], said: str) -> None:
    with pytest.raises(UserError) as error:
        list(predict(Made(answer), [picture(0, (4, 4))] * 2))
    assert str(error.value) == f"made/x: {said}"
    with pytest.raises(UserError):
        check_logits(Made(), answer(torch.zeros(2, 3, 4, 4)))


def test_close_logits_are_told_apart_in_float64() -> None:
    """float32's softmax would round both to one number."""
    row = torch.tensor([[1.0, 1.0 + 2**-23, 0.0]])
    (said,) = predict(Made(lambda x: row), [picture(0, (4, 4))])
    assert said.label == 1 and said.probabilities[1] > said.probabilities[0]
