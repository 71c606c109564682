"""`onnx/FILE`: a classifier as an ONNX file, run by onnxruntime on the CPU.

Its card is JSON, in FILE.json beside the model or in the model's metadata under ``spurbench``::

    {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
     "size": 224, "resize": 256, "framing": "crop", "interpolation": "bicubic",
     "label_space": "imagenet-1k"}

Every key may be left out: ``size`` where the input's shape is fixed, ``resize`` (size / 0.875),
``framing`` (crop) and ``interpolation`` (bicubic), ``label_space`` where the head's width says it,
``mean`` and ``std`` where the graph normalises its input itself, which is measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spurbench.contracts import ModelCard, ModelFacts, Normalisation, Transform
from spurbench.errors import UserError, validation_reason
from spurbench.reading import is_file, parse_json, read_text, storable

if TYPE_CHECKING:
    from torch import Tensor

    from .onnx_graph import Graph

CROP_PCT = 0.875  # of the shorter edge, where a card says nothing: the usual 224 of 256
MOST_SIDE = 16_384  # pixels
Three = tuple[float, float, float]


class Card(BaseModel):
    """The JSON card of an ONNX file."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    mean: Three | None = None
    std: Three | None = None
    size: int | None = Field(None, gt=0, le=MOST_SIDE)
    resize: int | None = Field(None, gt=0, le=MOST_SIDE)
    framing: Literal["crop", "shortest", "squash"] = "crop"
    interpolation: Literal["bicubic", "bilinear", "lanczos", "nearest"] = "bicubic"
    label_space: str | None = None


class OnnxEvaluator:
    """Loads ONNX files."""

    packages = ("onnxruntime",)

    def names(self) -> list[str]:
        """None: they are the user's files."""
        return []

    def card(self, name: str, *, label_space: str | Path | None = None) -> ModelCard:
        """What the file and its card say."""
        made = self.load(name, label_space=label_space)
        return ModelCard(made.spec, made.label_space, made.transform, made.normalisation)

    def load(self, name: str, *, label_space: str | Path | None = None) -> OnnxClassifier:
        """The classifier; its weights are in the file."""
        from .onnx_graph import open_graph

        spec = f"onnx/{name}"
        graph = open_graph(spec, Path(name))
        return OnnxClassifier(spec, Path(name), graph, label_space)


class OnnxClassifier:
    """Normalises as its card says and runs the graph. Gradients do not pass."""

    def __init__(
        self, spec: str, path: Path, graph: Graph, label_space: str | Path | None = None
    ) -> None:
        from spurbench_evaluators.labels.spaces import for_head
        from spurbench_evaluators.network.classifier import RAW

        card = read_card(spec, path, graph)
        self.spec, self._graph = spec, graph
        self.transform = _transform(spec, card, graph)
        self.label_space = for_head(
            spec, graph.outputs(self.transform.size), label_space or card.label_space
        )
        self.facts = ModelFacts(
            storable(path.stem), graph.parameters, graph.sha256, storable(path.name)
        )
        self.normalisation = self._applied = RAW
        if card.mean and card.std:
            self.normalisation = self._applied = Normalisation(card.mean, card.std)
        else:
            self.normalisation = _inside(self, path)

    def logits(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] to (N, K); log probabilities where the graph ends in a softmax."""
        return self._graph.run(self._normalised(images)).to(images)

    def first_input(self, images: Tensor) -> Tensor | None:
        """What reaches the graph's first convolution or matrix product, for the self-test."""
        return self._graph.first_input(self._normalised(images))

    def _normalised(self, images: Tensor) -> Tensor:
        mean, std = (
            images.new_tensor(values).view(1, -1, 1, 1)
            for values in (self._applied.mean, self._applied.std)
        )
        return (images - mean) / std


def read_card(spec: str, path: Path, graph: Graph) -> Card:
    """The card beside the file, else the one in its metadata, else an empty one."""
    beside = path.with_name(f"{path.name}.json")
    place: object = f"{spec}: metadata 'spurbench'"
    text = graph.metadata.get("spurbench", "{}")
    if is_file(beside):
        place, text = beside, read_text(beside)
    try:
        card = Card.model_validate(parse_json(text, place))
    except ValidationError as error:
        reason = validation_reason(error)
        raise UserError(f"{place}: is no card of an ONNX model ({reason})") from error
    if (card.mean is None) != (card.std is None) or (card.std and min(card.std) <= 0):
        raise UserError(f"{spec}: its card needs mean and std, both, and std above 0")
    return card


def _transform(spec: str, card: Card, graph: Graph) -> Transform:
    size = card.size or graph.size
    if size is None:
        raise UserError(
            f'{spec}: its input has no fixed size; write it as {{"size": 224}} into '
            f"{spec.removeprefix('onnx/')}.json"
        )
    whole = card.framing != "crop"
    resize = card.resize or (size if whole else int(size / CROP_PCT))
    return Transform(card.framing, size, resize, card.interpolation)


def _inside(classifier: OnnxClassifier, path: Path) -> Normalisation:
    """The normalisation that the graph itself applies; UserError where it applies none."""
    from spurbench.selftest import measured_normalisation
    from spurbench_evaluators.network.classifier import RAW

    inside = measured_normalisation(classifier)
    if inside is None or inside == RAW:
        raise UserError(
            f"{classifier.spec}: neither its card nor its graph normalises the pictures; write "
            f'{{"mean": [r, g, b], "std": [r, g, b]}} into {path.name}.json beside it'
        )
    return inside
