"""ONNX files: the same answers as the torch network, cards beside or inside, faults in one line."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from spurbench import plugins
from spurbench.contracts import Normalisation
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench.pictures import read_rgb
from spurbench.prediction import predict
from spurbench_evaluators.network.classifier import NetworkClassifier
from spurbench_evaluators.run.framing import reframe

CARD: dict[str, Any] = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}
BATCH = {"images": {0: "batch"}}


class Small(nn.Module):
    """1,000 logits or probabilities of a picture, normalised inside or not."""

    def __init__(self, inside: bool = False, softmax: bool = False, last: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(4, 1000)
        self.inside, self.softmax, self.last = inside, softmax, last

    def forward(self, images: Tensor) -> Tensor:
        if self.last:
            images = images.permute(0, 3, 1, 2)
        if self.inside:
            mean, std = torch.tensor(CARD["mean"]), torch.tensor(CARD["std"])
            images = (images - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
        logits: Tensor = self.linear(self.convolution(images).mean(dim=(2, 3)))
        return logits.softmax(1) if self.softmax else logits


def export(
    network: nn.Module, path: Path, shape: tuple[int, ...], axes: dict[str, Any] | None
) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs onnx alone is the older one
        torch.onnx.export(
            network.eval(),
            (torch.zeros(shape),),
            path,
            input_names=["images"],
            dynamic_axes=axes or {},
            dynamo=False,
        )
    return path


def write_card(path: Path, **card: Any) -> None:
    path.with_name(f"{path.name}.json").write_text(json.dumps(card), encoding="utf-8")


def wanted(images: Tensor) -> Tensor:
    """Logits of the small network on [0, 1] pictures."""
    with torch.inference_mode():
        logits: Tensor = Small(inside=True)(images)
    return logits


def test_a_card_beside_the_file(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "m.onnx", (2, 3, 32, 32), BATCH)
    write_card(path, **CARD, resize=40, interpolation="bilinear")
    classifier = plugins.classifier(f"onnx/{path}")
    assert classifier.label_space.name == "imagenet-1k"
    assert classifier.transform.as_data() == {
        "framing": "crop",
        "size": 32,
        "resize": 40,
        "interpolation": "bilinear",
    }
    assert classifier.facts.parameters == 3 * 4 * 9 + 4 + 4 * 1000 + 1000
    assert classifier.facts.weights_sha256 == sha256_file(path)
    images = torch.rand(5, 3, 32, 32)
    torch.testing.assert_close(classifier.logits(images), wanted(images), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        classifier.logits(images.double()), wanted(images).double(), atol=1e-5, rtol=1e-4
    )


def test_a_card_in_the_metadata(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "m.onnx", (2, 3, 32, 32), BATCH)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"spurbench": json.dumps(CARD | {"framing": "squash"})})
    onnx.save(model, path)
    classifier = plugins.classifier(f"onnx/{path}")
    assert classifier.transform.framing == "squash" and classifier.transform.resize == 32


@pytest.mark.parametrize("last", [False, True])
def test_normalised_inside_one_by_one_and_with_a_softmax(tmp_path: Path, last: bool) -> None:
    shape = (1, 32, 32, 3) if last else (1, 3, 32, 32)
    network = Small(inside=True, softmax=True, last=last)
    classifier = plugins.classifier(f"onnx/{export(network, tmp_path / 'm.onnx', shape, None)}")
    found = classifier.normalisation  # type: ignore[attr-defined]
    assert isinstance(found, Normalisation)
    assert found.mean == pytest.approx(CARD["mean"], abs=1e-5)
    assert found.std == pytest.approx(CARD["std"], abs=1e-5)
    images = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(
        classifier.logits(images), wanted(images).log_softmax(1), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("outside_in", ["m.bin", "weights/m.bin"])
def test_weights_outside_the_file_count(tmp_path: Path, outside_in: str) -> None:
    (tmp_path / outside_in).parent.mkdir(exist_ok=True)
    path = export(Small(), tmp_path / "m.onnx", (2, 3, 32, 32), BATCH)
    write_card(path, **CARD)
    whole = plugins.classifier(f"onnx/{path}").facts.weights_sha256
    onnx.save(
        onnx.load(path), path, save_as_external_data=True, location=outside_in, size_threshold=0
    )
    outside = plugins.classifier(f"onnx/{path}").facts.weights_sha256
    data = bytearray((tmp_path / outside_in).read_bytes())
    data[-1] ^= 1
    (tmp_path / outside_in).write_bytes(data)
    changed = plugins.classifier(f"onnx/{path}").facts.weights_sha256
    assert len({whole, outside, changed}) == 3


def twice(path: Path) -> None:
    export(Small(inside=True), path, (1, 3, 32, 32), None)
    write_card(path, **CARD)


def never(path: Path) -> None:
    export(Small(), path, (1, 3, 32, 32), None)


def bad_card(path: Path) -> None:
    never(path)
    write_card(path, mean=[0, 0, 0], sdt=[1, 1, 1])


def half_card(path: Path) -> None:
    never(path)
    write_card(path, mean=[0, 0, 0])


def no_size(path: Path) -> None:
    export(Small(), path, (1, 3, 32, 32), {"images": {2: "height", 3: "width"}})
    write_card(path, **CARD)


def foreign_head(path: Path) -> None:
    network = Small()
    network.linear = nn.Linear(4, 7)
    export(network, path, (1, 3, 32, 32), None)
    write_card(path, **CARD)


def flat(path: Path) -> None:
    export(nn.Linear(4, 1000), path, (1, 4), None)


def infinite(path: Path) -> None:
    network = Small()
    network.linear.weight.data.fill_(float("inf"))
    export(network, path, (1, 3, 32, 32), None)
    write_card(path, **CARD)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (twice, "pictures are normalised twice"),
        (never, r"neither its card nor its graph normalises .* into m\.onnx\.json"),
        (bad_card, r"m\.onnx\.json: is no card of an ONNX model \(sdt: "),
        (half_card, "needs mean and std, both"),
        (no_size, r'its input has no fixed size; write it as {"size": 224}'),
        (foreign_head, "its head of 7 outputs fits no known label space"),
        (flat, r"takes tensor\(float\)\[1, 4\], not one batch of pictures"),
        (infinite, "gives NaN or infinite logits"),
        (lambda path: path.write_bytes(b"\x80\x04hello"), "not an ONNX model that can be run"),
        (lambda path: None, "no such file"),
    ],
)
def test_faults_are_one_line(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    make(tmp_path / "m.onnx")
    with pytest.raises(UserError, match=said) as error:
        plugins.classifier(f"onnx/{tmp_path / 'm.onnx'}")
    assert "\n" not in str(error.value)


def test_weights_are_in_the_file() -> None:
    with pytest.raises(UserError, match="models of the loader 'onnx' take no --weights"):
        plugins.classifier("onnx/m.onnx", weights=Path("w.safetensors"))


def test_efficientnet_gives_torchs_top1_on_the_real_tiles(real_data: Path, tmp_path: Path) -> None:
    weights = real_data / "weights" / "efficientnet_lite0.safetensors"
    network = plugins.classifier("timm/tf_efficientnet_lite0", weights=weights)
    assert isinstance(network, NetworkClassifier) and network.normalisation is not None
    path = export(network.network, tmp_path / "lite0.onnx", (2, 3, 224, 224), BATCH)
    write_card(path, mean=network.normalisation.mean, std=network.normalisation.std, resize=256)
    exported = plugins.classifier(f"onnx/{path}")
    assert exported.transform == network.transform
    tiles = [read_rgb(p) for p in sorted((real_data / "si_tiles").glob("*/*.png"))]
    assert len(tiles) == 200
    said = {}
    for classifier in (network, exported):
        reframe(classifier, "squash")
        said[classifier.spec] = list(predict(classifier, tiles))
    ours, theirs = said.values()
    assert [p.label for p in ours] == [p.label for p in theirs]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-4)
