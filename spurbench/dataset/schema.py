"""Columns of a split, and the names of its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Features

SPLITS = ("si", "generated", "val")


@dataclass(frozen=True)
class PanelPrediction:
    """One panel member's view of a picture: top-1 label and the probability of the split's class."""

    model: str
    label: int
    probability: float


@dataclass(frozen=True)
class Row:
    """A picture of a split; ``png`` are its encoded bytes, the rest says what is known of it.

    ``prompt``, ``seed`` and ``recipe`` are None where nothing was generated; ``index`` counts
    within the split. ``object_probability`` is the referee's, in [0, 1];
    ``nearest_reference`` the origin of the training reference that looks most alike, at a root
    mean square distance of ``nearest_distance`` (pixels in [0, 1]); ``degenerate`` marks a black
    or constant picture, ``safety_flagged`` one that the base model's safety checker would have
    blanked (None where it has none).
    """

    png: bytes
    label: int
    class_name: str
    source: str
    index: int
    origin: str
    sha256: str
    prompt: str | None = None
    seed: int | None = None
    recipe: str | None = None
    predictions: tuple[PanelPrediction, ...] = field(default=())
    consistently_spurious: bool | None = None
    is_training_reference: bool | None = None
    object_probability: float | None = None
    nearest_reference: str | None = None
    nearest_distance: float | None = None
    degenerate: bool | None = None
    safety_flagged: bool | None = None

    def as_columns(self) -> dict[str, Any]:
        """The row as the data set stores it."""
        columns: dict[str, Any] = {
            "image": {"bytes": self.png, "path": f"{self.source}-{self.index:05d}.png"}
        }
        columns.update({k: v for k, v in self.__dict__.items() if k not in {"png", "predictions"}})
        columns["predictions"] = [dict(p.__dict__) for p in self.predictions]
        return columns


def features() -> Features:
    """The columns as `datasets` types."""
    from datasets import Features, Image, List, Value

    return Features(
        {
            "image": Image(),
            "label": Value("int32"),
            "class_name": Value("string"),
            "source": Value("string"),
            "index": Value("int32"),
            "origin": Value("string"),
            "sha256": Value("string"),
            "prompt": Value("string"),
            "seed": Value("int64"),
            "recipe": Value("string"),
            "predictions": List(
                {"model": Value("string"), "label": Value("int32"), "probability": Value("float32")}
            ),
            "consistently_spurious": Value("bool"),
            "is_training_reference": Value("bool"),
            "object_probability": Value("float32"),
            "nearest_reference": Value("string"),
            "nearest_distance": Value("float32"),
            "degenerate": Value("bool"),
            "safety_flagged": Value("bool"),
        }
    )


def split_file(split: str) -> str:
    """Name of a split's parquet file."""
    return f"{split}-00000-of-00001.parquet"
