"""What a caller calls a model, a spec, a classifier or a torch module, as a classifier that was tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, cast

from spurbench import plugins
from spurbench.contracts import Classifier, LabelSpace, Normalisation, Transform
from spurbench.errors import UserError, unknown
from spurbench.reading import is_file
from spurbench.selftest import check_classifier
from spurbench_evaluators.labels import spaces
from spurbench_evaluators.loaders.module import from_module
from spurbench_evaluators.loaders.python import lacking

from .placement import Placement, place

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Description:
    """What the caller says of a model beside the model itself; None where nothing is said."""

    transform: Transform | None = None
    label_space: LabelSpace | str | Path | None = None
    normalisation: Normalisation | None = None
    name: str | None = None
    weights: str | Path | None = None

    def given(self, *fields: str) -> str:
        """Those of the fields that something is said of, in words; empty for none."""
        return " and ".join(field for field in fields if getattr(self, field) is not None)


def check_named(models: Sequence[object], said: Description) -> None:
    """UserError for a spec, weights or label space that can be seen to be none before anything is
    loaded."""
    specs = [model for model in models if isinstance(model, str)]
    for spec in specs:
        plugins.split_spec(spec)
    if not specs:
        return
    if said.weights is not None and not is_file(Path(said.weights)):
        raise UserError(f"{said.weights}: no such weights file")
    space = said.label_space
    if (
        isinstance(space, str | Path)
        and str(space) not in spaces.names()
        and not is_file(Path(space))
    ):
        raise unknown("label space", str(space), spaces.names(), hint="(nor is there such a file)")


def classifier_of(model: object, said: Description) -> Classifier:
    """The classifier that a model is, put through the self-test. UserError for what is none, and for
    a description that is wanting or that a model of its kind has no use for."""
    if isinstance(model, str):
        return _loaded(model, said)
    if not isinstance(model, type):
        if not lacking(model):
            return _brought(cast(Classifier, model), said)
        if _is_module(model):
            return _wrapped(model, said)
    raise UserError(
        f"a model is a spec LOADER/NAME, a spurbench.contracts.Classifier or a torch.nn.Module, not "
        f"{model!r:.80}"
    )


def _loaded(spec: str, said: Description) -> Classifier:
    foreign = said.given("transform", "normalisation", "name")
    if foreign:
        raise UserError(f"{spec}: a spec brings its own {foreign}; leave that out")
    if isinstance(said.label_space, LabelSpace):
        raise UserError(f"{spec}: takes the label space's name or file, not a LabelSpace")
    weights = Path(said.weights) if said.weights is not None else None
    if said.label_space is None:
        return plugins.classifier(spec, weights=weights)
    return plugins.classifier(spec, weights=weights, label_space=said.label_space)


def _brought(classifier: Classifier, said: Description) -> Classifier:
    foreign = said.given("transform", "label_space", "normalisation", "name", "weights")
    if foreign:
        raise UserError(f"{classifier.spec}: a classifier brings its own {foreign}; leave that out")
    # An earlier call may have left it on a GPU, where the self-test's pictures are not.
    place(classifier, Placement("cpu", "float32"))
    check_classifier(classifier)
    return classifier


def _wrapped(module: nn.Module, said: Description) -> Classifier:
    spec = f"module/{said.name or type(module).__name__}"
    if said.weights is not None:
        raise UserError(f"{spec}: load the weights into the module first; leave weights out")
    if said.transform is None:
        raise UserError(
            f"{spec}: a torch module does not say how pictures are shown to it; give "
            "transform=spurbench.contracts.Transform(...)"
        )
    if said.label_space is None:
        raise UserError(
            f"{spec}: a torch module does not say what its outputs mean; give label_space=, a known "
            "name such as 'imagenet-1k', a label file, or a spurbench.contracts.LabelSpace"
        )
    classifier = from_module(spec, module, said.transform, said.label_space, said.normalisation)
    check_classifier(classifier)
    return classifier


def _is_module(model: object) -> TypeGuard[nn.Module]:
    import torch

    return isinstance(model, torch.nn.Module)
