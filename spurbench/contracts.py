"""The contracts between the halves. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


@dataclass(frozen=True)
class ClassCard:
    """A class of a domain.

    ``label`` is its index in the domain's label space, ``noun`` what prompts call its spurious
    feature ("flower"), ``feature`` the feature in words ("red flower").
    """

    name: str
    label: int
    noun: str
    feature: str

    @property
    def slug(self) -> str:
        """The name as a folder name: ``freight car`` becomes ``freight_car``."""
        return slugify(self.name)


def slugify(name: str) -> str:
    """Lower case; runs of anything but ASCII letters and digits become one underscore."""
    kept = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower())
    return "_".join(kept.split())


@dataclass(frozen=True)
class DomainPicture:
    """A picture that a domain provides, with where it came from."""

    image: Image
    origin: str


class Domain(Protocol):
    """A label space with its class cards, reference pictures and validation pictures."""

    name: str

    def cards(self) -> list[ClassCard]:
        """The classes that splits can be made for."""

    def references(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        """The first pictures of the class's reference pool; fewer where the pool is smaller."""

    def validation(self, card: ClassCard, count: int) -> Iterator[DomainPicture]:
        """The first validation pictures of the class: the object is in each."""

    def base_model(self, name: str) -> Path | None:
        """Folder of a base model that ships with the domain, or None."""


@dataclass(frozen=True)
class LabelSpace:
    """What a classifier's outputs mean.

    ``domain`` names the domain whose labels they are; ``names`` has one entry an output.
    ``labels`` has the domain label that each output means, -1 where it means none of them;
    None: output i is label i. ``kinds`` has, for outputs that mean none, the domain label of which
    they are a kind (WordNet's hyponyms: "lioness" is a lion), -1 for others; None: no output is a
    kind of a label. Raises ValueError where ``labels`` or ``kinds`` has another length than
    ``names``, a number below -1, or ``labels`` one label twice.
    """

    name: str
    domain: str
    names: tuple[str, ...]
    labels: tuple[int, ...] | None = None
    kinds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.kinds is not None and (
            len(self.kinds) != len(self.names) or any(label < -1 for label in self.kinds)
        ):
            raise ValueError(f"{self.name}: its kinds are not a label or -1 for each output")
        if self.labels is None:
            return
        if len(self.labels) != len(self.names):
            raise ValueError(f"{self.name}: {len(self.labels)} labels for {len(self.names)} names")
        meant = [label for label in self.labels if label != -1]
        if any(label < 0 for label in meant) or len(set(meant)) < len(meant):
            raise ValueError(f"{self.name}: its labels are not distinct numbers from 0, or -1")

    def column(self, label: int) -> int | None:
        """The output that means the domain's label; None where no output does."""
        return self._columns.get(label)

    def domain_label(self, output: int) -> int:
        """The domain's label that an output means, -1 for none; IndexError beyond the head."""
        if not 0 <= output < len(self.names):
            raise IndexError(f"{self.name}: has no output {output}")
        return output if self.labels is None else self.labels[output]

    def domain_columns(self) -> tuple[int, ...]:
        """The outputs that mean some label of the domain, ascending."""
        return tuple(self._columns.values())

    def merged_labels(self) -> tuple[int, ...] | None:
        """The domain's label of each output or of what it is a kind of, -1 for none; None where no
        output is a kind of a label that has an output."""
        if self.kinds is None:
            return None
        labels = self.labels or tuple(range(len(self.names)))
        merged = tuple(
            kind if label == -1 and kind in self._columns else label
            for label, kind in zip(labels, self.kinds, strict=True)
        )
        return None if merged == labels else merged

    @cached_property
    def _columns(self) -> dict[int, int]:
        labels = range(len(self.names)) if self.labels is None else self.labels
        return {label: output for output, label in enumerate(labels) if label != -1}


FRAMINGS = ("crop", "shortest", "squash")
INTERPOLATIONS = ("bicubic", "bilinear", "lanczos", "nearest")


@dataclass(frozen=True)
class Transform:
    """How a picture becomes the classifier's input, as data.

    framing ``crop``: shorter edge to ``resize``, then the centre ``size`` square; ``shortest``:
    shorter edge to ``size``, no crop; ``squash``: the whole picture to ``resize`` x ``resize``,
    then the centre ``size`` square. ``size`` and ``resize`` are pixels. The result is float32
    (3, H, W) in [0, 1]. Raises ValueError for another framing or interpolation.
    """

    framing: str
    size: int
    resize: int
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        if self.framing not in FRAMINGS or self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"{self.framing}, {self.interpolation}: not a framing that is known")

    def as_data(self) -> dict[str, Any]:
        """The fields, as results store them."""
        return asdict(self)


@dataclass(frozen=True)
class Normalisation:
    """Per-channel ``mean`` and ``std`` of [0, 1] RGB: a layer is fed (x - mean) / std."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model without its weights.

    ``spec`` is the whole one (with timm's tag or torchvision's weights); the head has
    ``len(label_space.names)`` outputs, the input ``transform.size`` pixels a side.
    ``normalisation`` is what the network's first layer is to be fed; None: only the network knows.
    """

    spec: str
    label_space: LabelSpace
    transform: Transform
    normalisation: Normalisation | None = None


@dataclass(frozen=True)
class ModelFacts:
    """What a result records of a model."""

    architecture: str
    parameters: int
    weights_sha256: str
    weights_source: str
    options: dict[str, Any] = field(default_factory=dict)


class Classifier(Protocol):
    """Any image classifier. It takes pictures in [0, 1] and normalises them itself.

    Two more attributes are optional: ``normalisation`` (a Normalisation), which the load-time
    self-test then holds the classifier to, and ``first_input(images)``, for a classifier that is
    not made of torch modules: what reaches its first weighted layer, or None.
    """

    spec: str
    label_space: LabelSpace
    transform: Transform
    facts: ModelFacts

    def logits(self, images: Tensor) -> Tensor:
        """Pictures (N, 3, H, W), float, in [0, 1], to logits (N, K) of the outputs; no row may depend on
        another."""


class FeatureClassifier(Classifier, Protocol):
    """A classifier whose penultimate features can be had, differentiably."""

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] to (N, D)."""

    @property
    def head(self) -> tuple[Tensor, Tensor]:
        """Weight (K, D) and bias (K,): logits = features @ weight.T + bias."""


class Evaluator(Protocol):
    """A loader of classifiers, found under the first part of a model spec.

    ``load`` may take more options by keyword: ``label_space`` (a name or a file) says what the
    outputs mean where the model itself does not. A method ``card(name, *, label_space=None)`` that
    returns the ModelCard without needing weights is optional, as is ``packages``: names of the
    packages whose versions can change its models' answers, which results then record.
    """

    def load(self, name: str, *, weights: Path | None = None) -> Classifier:
        """The classifier, in evaluation mode on the CPU."""

    def names(self) -> list[str]:
        """Names that can be loaded without more than the package."""
