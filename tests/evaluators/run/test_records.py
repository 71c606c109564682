"""What a result records of a model and its run, and what is refused before it."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spurbench import plugins
from spurbench.contracts import LabelSpace, ModelFacts, Normalisation, Transform
from spurbench.errors import UserError
from spurbench.results import DataRecord
from spurbench_evaluators.data.sources import Source
from spurbench_evaluators.run.checks import check_source
from spurbench_evaluators.run.forward import Member
from spurbench_evaluators.run.framing import framing_of
from spurbench_evaluators.run.local_code import local_code_sha256
from spurbench_evaluators.run.placement import Placement
from spurbench_evaluators.run.records import environment, model_record, probe
from tests.evaluators.fakes import Fake, small_network
from tests.source_hashes import code_by_hand

CPU = Placement("cpu", "float32")
TURNED = LabelSpace("turned", "micro", ("a", "b", "c"), (2, -1, 7), (-1, 2, -1))


def member(classifier: Any, framing: str = "model") -> Member:
    return Member(classifier, framing_of(classifier.transform, framing), CPU)


def test_a_model_is_recorded_as_it_is_run() -> None:
    fake = Fake()
    fake.label_space = TURNED
    fake.transform = Transform("crop", 28, 45, "bilinear")
    fake.facts = ModelFacts("ViT", 17, "a" * 64, "w.pt", {"drop": 3})
    record = model_record(member(fake, "si"))
    assert record.model_dump() == {
        "spec": "fake/5",
        "architecture": "ViT",
        "parameters": 17,
        "weights_sha256": "a" * 64,
        "weights_source": "w.pt",
        "options": {"drop": 3, "code_sha256": local_code_sha256(fake)},
        "label_space": "turned",
        "outputs": 3,
        "labels_sha256": hashlib.sha256(b'[["a","b","c"],[2,-1,7],[-1,2,-1]]').hexdigest(),
        "framing": "si",
        "transform": {
            "framing": "shortest",
            "size": 28,
            "resize": 28,
            "interpolation": "bicubic",
        },
        "val_transform": {
            "framing": "crop",
            "size": 28,
            "resize": 32,
            "interpolation": "bicubic",
        },
        "normalisation": None,
    }


def test_one_transform_for_all_is_recorded_once_and_a_normalisation_where_it_is_said() -> None:
    network = small_network()
    network.normalisation = Normalisation((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    record = model_record(member(network))
    assert record.val_transform is None and record.transform["resize"] == 36
    assert record.normalisation == {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}


def test_the_environment_is_the_versions_and_the_arithmetic() -> None:
    packages = ("spurbench", "torch", "timm", "pillow", "numpy", "scikit-learn")
    said = environment(Placement("cpu", "bfloat16"), "fake/5")
    assert said == {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "code": said["code"],
        "device": "cpu",
        "dtype": "bfloat16",
    }
    assert said["code"] == code_by_hand("spurbench", "spurbench_evaluators")
    for loader, package in [("torchvision", "torchvision"), ("hf", "transformers")]:
        assert environment(CPU, f"{loader}/x")[package] == version(package)
    assert environment(CPU, "hf/x").keys() >= plugins.packages("hf/x").keys()


def shown_in_turn() -> list[np.ndarray]:
    """The probe's pictures of 6 pixels a side by hand: noise, a ramp from left to right, a chequer."""
    noise = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    ramp = np.zeros((6, 6, 3), dtype=np.uint8)
    chequer = np.zeros((6, 6, 3), dtype=np.uint8)
    for row in range(6):
        ramp[:, row] = 51 * row
        for column in range(6):
            odd = (row + column) % 2
            chequer[row, column] = (220, 60, 30) if odd else (20, 90, 200)
    return [noise, ramp, chequer]


def test_the_probe_shows_three_pictures_one_by_one() -> None:
    fake = Fake()
    fake.transform = Transform("crop", 6, 9)
    shown: list[torch.Tensor] = []

    def logits(images: torch.Tensor) -> torch.Tensor:
        shown.append(images)
        return torch.tensor([[1 / 3, 2e7 / 3, -4.0, 0, 1, 2, 3, 4, 5]]) * len(shown)

    fake.logits = logits  # type: ignore[method-assign]
    said = probe(member(fake))
    assert len(shown) == 3
    for images, pixels in zip(shown, shown_in_turn(), strict=True):
        assert images.shape == (1, 3, 6, 6)
        assert np.array_equal(images[0].numpy(), pixels.transpose(2, 0, 1) / np.float32(255))
    one, two, three = np.array(said, dtype=float).reshape(3, 8)
    # Sums of all outputs with a sign each over the root of their number: the second outweighs all.
    assert np.all(np.abs(np.abs(one) * 3 - 2e7 / 3) < 30)
    np.testing.assert_allclose(two, 2 * one, rtol=1e-5)
    np.testing.assert_allclose(three, 3 * one, rtol=1e-5)
    assert all(float(f"{x:.6g}") == x for x in said if x is not None), "six digits"


@pytest.mark.parametrize("output", range(12))
def test_no_output_of_a_network_can_change_unseen(output: int) -> None:
    """An output moved by 1 moves every sum by 1 over the root of 12."""
    plain, moved = Fake(), Fake()
    real = moved.logits
    change = torch.zeros(12)
    change[output] = 1
    moved.logits = lambda images: real(images) + change  # type: ignore[method-assign]
    before, after = (np.array(probe(member(fake)), dtype=float) for fake in (plain, moved))
    np.testing.assert_allclose(np.abs(after - before), 1 / math.sqrt(12), atol=1e-4)


def test_outputs_that_are_not_finite_are_no_number_of_the_probe() -> None:
    broken = Fake()
    broken.fill = float("nan")
    said = probe(member(broken))
    assert said == [None] * 24
    json.dumps(said, allow_nan=False)


def source(domain: str = "micro", **labels: int) -> Source:
    record = DataRecord(name="made", domain=domain, version="c1", fingerprint="1" * 64)
    classes = {name: (name, label) for name, label in labels.items()}
    return Source("the folder", record, classes, 1, lambda: iter(()))


def labelled(*labels: int, domain: str = "micro") -> Fake:
    fake = Fake()
    names = tuple(f"output {i}" for i in range(len(labels)))
    fake.label_space = LabelSpace("mine", domain, names, labels)
    return fake


@pytest.mark.parametrize(
    ("fake", "said"),
    [
        (
            labelled(7, 5, domain="imagenet"),
            (
                "fake/5 knows the labels of 'imagenet', but the folder is of 'micro'; choose a model or "
                "data set to match"
            ),
        ),
        (
            labelled(-1, 5, -1),
            (
                "fake/5: its label space mine means 1 of the domain's labels; it takes two to choose "
                "between"
            ),
        ),
        (
            labelled(-1, 5, -1, 8),
            (
                "fake/5: has 4 labels, none for gondola, vine; choose other classes with --classes, or "
                "another model"
            ),
        ),
    ],
)
def test_what_does_not_fit_the_data_set_is_refused(fake: Fake, said: str) -> None:
    with pytest.raises(UserError) as error:
        check_source(fake, source(koala=5, gondola=0, vine=3))
    assert str(error.value) == said


def test_a_label_space_with_an_output_for_every_class_is_taken_in_whatever_order() -> None:
    check_source(labelled(0, -1, 5, 3), source(koala=5, gondola=0, vine=3))
    check_source(labelled(3, 5), source(koala=5))


def test_a_member_has_the_transforms_of_pictures_and_of_validation(tmp_path: Path) -> None:
    one = member(small_network(), "si")
    assert one.transforms() == (
        Transform("shortest", 32, 32),
        Transform("crop", 32, 36),
    )
    assert replace(one, start=4).transforms() == one.transforms()
