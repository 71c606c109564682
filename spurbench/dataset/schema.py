"""Columns of a split, and the names of its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Features

KINDS = ("si", "generated", "val")
"""What a split can hold: references, pictures made from them, or validation pictures of the class."""
SEEDS_APART = 1_000_000
"""Pictures of a build take their seeds from its own seed times this, going up by their indices."""


@dataclass(frozen=True)
class PanelPrediction:
    """One panel member's view of a picture: top-1 label and the probability of the split's class."""

    model: str
    label: int
    probability: float


@dataclass(frozen=True)
class Credit:
    """Whose a picture is and where it was taken from, as far as that is known; ``source_sha256`` is
    the hash of the file there."""

    licence: str | None = None
    author: str | None = None
    source_url: str | None = None
    source_sha256: str | None = None


UNKNOWN = Credit()


@dataclass(frozen=True)
class Row:
    """A picture of a split; ``data`` are its encoded bytes, the rest says what is known of it.

    ``source`` is the kind of the split, ``sha256`` that of ``data``.

    ``prompt``, ``seed`` and ``recipe`` are None where nothing was generated; ``index`` counts
    within the split. ``object_probability`` is the referee's, in [0, 1];
    ``nearest_reference`` the origin of the training reference that looks most alike, at a root
    mean square distance of ``nearest_distance`` (pixels in [0, 1]); ``degenerate`` marks a black
    or constant picture, ``safety_flagged`` one that the base model's safety checker would have
    blanked (None where it has none).
    """

    data: bytes
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
    credit: Credit = UNKNOWN

    def as_columns(self) -> dict[str, Any]:
        """The row as the data set stores it."""
        name = f"{self.source}-{self.index:05d}{ending(self.data)}"
        columns: dict[str, Any] = {"image": {"bytes": self.data, "path": name}}
        apart = {"data", "predictions", "credit"}
        columns.update({k: v for k, v in self.__dict__.items() if k not in apart})
        columns["predictions"] = [dict(p.__dict__) for p in self.predictions]
        return columns | self.credit.__dict__


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
            "licence": Value("string"),
            "author": Value("string"),
            "source_url": Value("string"),
            "source_sha256": Value("string"),
        }
    )


MEANINGS = {
    "image": "the picture's encoded bytes as they were made or handed in, and a name with their ending",
    "label": "index of the class in the domain's label space",
    "class_name": "name of the class",
    "source": "kind of the split: `si`, `generated` or `val`",
    "index": "place within the split, ascending from 0 over its files",
    "origin": "where the picture comes from: a file's path in what was imported, or a seed",
    "sha256": "SHA-256 of the picture's bytes",
    "prompt": "the prompt it was generated with",
    "seed": "the seed it was sampled with",
    "recipe": "name of the recipe and the first 12 digits of its fingerprint",
    "predictions": "of each member of the panel: its spec, its top-1 label, its probability of the class",
    "consistently_spurious": "whether the whole panel takes the picture for the class",
    "is_training_reference": "whether the model was fine-tuned on the picture",
    "object_probability": "the referee's probability that the class's object is there",
    "nearest_reference": "origin of the training reference that looks most alike",
    "nearest_distance": "root mean square distance to that reference, pixels in [0, 1]",
    "degenerate": "whether the picture is black or of one colour",
    "safety_flagged": "whether the base model's safety checker would have blanked it",
    "licence": "licence of the picture, as its source states it",
    "author": "who made it",
    "source_url": "where it was published",
    "source_sha256": "SHA-256 of the file that it was taken from",
}
"""What each column of a split holds; empty where that is not known or does not apply."""


def split_file(split: str, i: int = 0, count: int = 1) -> str:
    """Name of the parquet file number ``i`` of a split's ``count``."""
    return f"{split}-{i:05d}-of-{count:05d}.parquet"


_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
)


def ending(data: bytes) -> str:
    """The file ending that a picture's first bytes call for; empty where they are not known."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for begin, suffix in _BEGINNINGS if data.startswith(begin)), "")
