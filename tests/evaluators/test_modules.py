"""Models that a caller hands over: plain torch modules, and what is wrong with what is none."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spurbench.contracts import LabelSpace, Normalisation, Transform
from spurbench.errors import UserError
from spurbench_evaluators.api import evaluate, evaluate_models
from tests.conftest import make_class
from tests.evaluators.fakes import Fake, micro_labels, small_network

TRANSFORM = Transform("crop", 32, 36)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5)
    make_class(tmp_path / "data", tmp_path / "aside", "gondola", 3, count=4, seed=50)
    return tmp_path / "data"


def module(outputs: int = 12) -> nn.Module:
    """The network of small_network: a plain torch module."""
    return small_network(outputs).network


def test_a_module_is_scored_as_the_classifier_that_wraps_it(folder: Path, tmp_path: Path) -> None:
    wrapped = evaluate(small_network(), folder, results=tmp_path / "r")
    plain = evaluate(
        module(),
        folder,
        transform=TRANSFORM,
        label_space=micro_labels(),
        normalisation=Normalisation((0.5,) * 3, (0.25,) * 3),
        name="mine",
        results=tmp_path / "r",
    )
    assert plain.predictions.table == wrapped.predictions.table
    model = plain.result.model
    assert (model.spec, model.architecture) == ("module/mine", "Sequential")
    assert model.parameters == sum(p.numel() for p in module().parameters())
    assert model.normalisation == {"mean": [0.5] * 3, "std": [0.25] * 3}
    raw = evaluate(
        module(), folder, transform=TRANSFORM, label_space=micro_labels(), results=tmp_path / "r"
    )
    assert raw.result.model.spec == "module/Sequential"
    assert raw.result.model.weights_sha256 == model.weights_sha256
    said = raw.result.model.normalisation
    assert said is not None and np.allclose([said["mean"], said["std"]], [[0] * 3, [1] * 3])
    assert raw.predictions.table != plain.predictions.table


def test_other_weights_are_another_result(folder: Path, tmp_path: Path) -> None:
    edited = module()
    next(edited.parameters()).data.add_(1.0)
    outcomes = evaluate_models(
        [module(), edited],
        folder,
        transform=TRANSFORM,
        label_space=micro_labels(),
        results=tmp_path / "r",
    )
    one, two = (outcome.result.model.weights_sha256 for outcome in outcomes)
    assert one != two and len(list((tmp_path / "r").rglob("*.json"))) == 2
    again = evaluate(
        edited, folder, transform=TRANSFORM, label_space=micro_labels(), results=tmp_path / "r"
    )
    assert again.stored and again.result == outcomes[1].result


def test_the_module_itself_stays_as_it_is(folder: Path) -> None:
    mine = module().train().requires_grad_(True).half()
    before = deepcopy(mine.state_dict())
    mine[0].bias.requires_grad_(False)  # type: ignore[index]
    wanted = [p.requires_grad for p in mine.parameters()]
    evaluate(mine, folder, transform=TRANSFORM, label_space=micro_labels(), results=None)
    assert mine.training and [p.requires_grad for p in mine.parameters()] == wanted
    assert {p.dtype for p in mine.parameters()} == {torch.float16}
    assert mine[0].weight.is_contiguous()  # type: ignore[index]
    after = mine.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


class Normalised(nn.Module):
    """A module that normalises its input itself."""

    def __init__(self) -> None:
        super().__init__()
        self.network = module()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images - 0.5) / 0.25)
        return logits


def test_a_module_may_normalise_inside_but_not_twice(folder: Path) -> None:
    inside = evaluate(
        Normalised(), folder, transform=TRANSFORM, label_space=micro_labels(), results=None
    )
    said = inside.result.model.normalisation
    assert said is not None and np.allclose(said["mean"], 0.5) and np.allclose(said["std"], 0.25)
    wrapped = evaluate(small_network(), folder, results=None)
    assert inside.result.scores == wrapped.result.scores
    with pytest.raises(UserError, match="module/Normalised: pictures are normalised twice"):
        evaluate(
            Normalised(),
            folder,
            transform=TRANSFORM,
            label_space=micro_labels(),
            normalisation=Normalisation((0.5,) * 3, (0.25,) * 3),
            results=None,
        )


class Pair(nn.Module):
    """Gives two tensors at once."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, images


def grown() -> nn.Module:
    """A module with a tensor that is part of a graph: torch refuses to copy it."""
    made = module()
    made.extra = next(made.parameters()).requires_grad_(True) * 2
    return made


def test_a_module_may_name_its_label_space_or_give_a_file(tmp_path: Path) -> None:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 105, domain="imagenet")
    wide = evaluate(
        module(1000),
        tmp_path / "data",
        transform=TRANSFORM,
        label_space="imagenet-1k",
        splits=["si"],
        results=None,
    )
    assert wide.result.model.label_space == "imagenet-1k"
    (tmp_path / "labels.txt").write_text("koala\nhummingbird\n-\n", encoding="utf-8")
    few = evaluate(
        module(3),
        str(tmp_path / "data"),
        transform=TRANSFORM,
        label_space=str(tmp_path / "labels.txt"),
        splits="si",
        results=None,
    )
    assert few.result.model.label_space.startswith("labels.txt:")
    assert few.result.scores[0].label == 105


def test_a_label_space_object_says_what_outputs_mean(folder: Path) -> None:
    turned = LabelSpace("turned", "micro", tuple("abcdefghijkl"), tuple(reversed(range(12))))
    plain, other = (
        evaluate(module(), folder, transform=TRANSFORM, label_space=space, results=None)
        for space in (micro_labels(), turned)
    )
    said = [o.predictions.table["predicted"].to_numpy() for o in (plain, other)]
    assert np.array_equal(said[0], 11 - said[1])


WANTING: dict[str, tuple[str, Callable[[], object], dict[str, object]]] = {
    "no transform": (
        "module/Sequential: .* give transform=",
        module,
        {"label_space": micro_labels()},
    ),
    "no label space": ("module/Sequential: .* give label_space=", module, {"transform": TRANSFORM}),
    "a head of another size": (
        r"module/Sequential: gives \(7,\) outputs, but its label space micro has 12",
        lambda: module(7),
        {"transform": TRANSFORM, "label_space": micro_labels()},
    ),
    "a known label space of another size": (
        r"gives \(12,\) outputs, but its label space imagenet-1k has 1000",
        module,
        {"transform": TRANSFORM, "label_space": "imagenet-1k"},
    ),
    "an unknown label space": (
        "unknown label space 'imagnet-1k'; did you mean",
        module,
        {"transform": TRANSFORM, "label_space": "imagnet-1k"},
    ),
    "weights of a module": (
        "load the weights into the module first",
        module,
        {"transform": TRANSFORM, "label_space": micro_labels(), "weights": "w.pt"},
    ),
    "two outputs": (
        "module/Pair: gives a tuple, not a tensor of logits",
        Pair,
        {"transform": TRANSFORM, "label_space": micro_labels()},
    ),
    "no copy": (
        "module/Sequential: cannot be copied",
        grown,
        {"transform": TRANSFORM, "label_space": micro_labels()},
    ),
    "a transform for a spec": (
        "micro/vit: a spec brings its own transform and name; leave that out",
        lambda: "micro/vit",
        {"transform": TRANSFORM, "name": "mine"},
    ),
    "a label space for a spec": (
        "micro/vit: takes the label space's name or file",
        lambda: "micro/vit",
        {"label_space": micro_labels()},
    ),
    "a label space for a classifier": (
        "fake/5: a classifier brings its own label_space",
        Fake,
        {"label_space": "imagenet-1k"},
    ),
    "a class": ("a model is a spec LOADER/NAME, .* not <class", lambda: Fake, {}),
    "a number": ("a model is a spec LOADER/NAME, .* not 7", lambda: 7, {}),
    "a framing that is none": ("unknown framing 'sii'", Fake, {"framing": "sii"}),
    "no pictures a batch": ("--batch-size 0: give a whole number from 1", Fake, {"batch_size": 0}),
    "no pictures at all": ("--limit 0: give a whole number from 1", Fake, {"limit": 0}),
}


@pytest.mark.parametrize("what", WANTING)
def test_what_is_no_model_or_badly_described_is_one_line(
    what: str, folder: Path, tmp_path: Path
) -> None:
    said, made, options = WANTING[what]
    with pytest.raises(UserError, match=said) as error:
        evaluate(made(), folder, results=tmp_path / "r", **options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value) and not (tmp_path / "r").exists()
