"""The result file: one scored model on one data set, as data."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    field_serializer,
    model_serializer,
    model_validator,
)

from .contracts import slugify
from .errors import UserError, short, validation_reason
from .files import sha256_json, write_text
from .reading import files_below, is_folder, read_json

SCHEMA_VERSION = 3
SHA256 = "^[0-9a-f]{64}$"
PathPart = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]+$")]
"""A text that becomes a folder's name: it cannot lead elsewhere."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Bounded(Protocol):
    """A value with its interval, however it was computed; NaN bounds where there is none."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


class Interval(_Strict):
    """A share in [0, 1], or a difference in [-1, 1], with its 95 % interval; None where unknown."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, estimate: Bounded) -> Interval:
        """The estimate as a record. Raises ValidationError where the value is no share."""
        # JSON has no NaN: an unknown bound is written as null.
        low, high = (None if math.isnan(b) else b for b in (estimate.low, estimate.high))
        return cls(value=estimate.value, low=low, high=high)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        known = [v for v in (self.low, self.value, self.high) if v is not None]
        if any(not -1.0 <= v <= 1.0 for v in known):
            raise ValueError("not a share or a difference of shares")
        if known != sorted(known):
            raise ValueError("the bounds do not hold the value")
        return self


class ModelRecord(_Strict):
    """What was scored. ``framing`` is the one asked for (``model``, ``si``, ``squash``; None in files of
    versions 1 and 2): results of one can be compared, however large each model's pictures are.
    ``transform`` is what `si` and `generated` pictures went through, ``val_transform`` what validation
    pictures did, ``normalisation`` the mean and standard deviation that the model then applies, where
    it says; ``labels_sha256`` covers the label space."""

    spec: str
    architecture: str
    parameters: int
    weights_sha256: str = Field(pattern=SHA256)
    weights_source: str
    options: dict[str, Any]
    label_space: str
    outputs: int | None = None
    labels_sha256: str | None = None
    framing: str | None = None
    transform: dict[str, Any]
    val_transform: dict[str, Any] | None = None
    normalisation: dict[str, list[float]] | None = None


class Selection(_Strict):
    """The part of a data set that was scored; None takes all, ``limit`` is a class and split's."""

    classes: list[str] | None = None
    splits: list[str] | None = None
    limit: int | None = Field(default=None, gt=0)


class ValidationRecord(_Strict):
    """Validation pictures from elsewhere than the data set; ``split`` is that of a data set of
    Hugging Face's kind, ``revision`` the commit of one on the hub."""

    name: str
    layout: str
    fingerprint: str = Field(pattern=SHA256)
    split: str | None = None
    revision: str | None = None


class Unreadable(_Strict):
    """A picture that was left out because it cannot be read."""

    slug: str
    split: str
    index: int
    origin: str
    sha256: str
    reason: str


class DataRecord(_Strict):
    """What it was scored on; ``fingerprint`` is that of the whole data set, ``hub_id`` and
    ``revision`` are the hub's repository and commit, where it came from there."""

    name: str
    domain: PathPart
    version: PathPart
    fingerprint: str = Field(pattern=SHA256)
    selection: Selection | None = None
    validation: ValidationRecord | None = None
    unreadable: list[Unreadable] = []
    hub_id: str | None = None
    revision: str | None = None


class Hosted(_Strict):
    """Where predictions that are too large for the folder of results lie: a data set repository of the
    Hugging Face hub, the commit ``revision``, and the file's path in it. Their hash is the result's
    ``predictions_sha256``."""

    repo_id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}$"
    )
    revision: str = Field(pattern="^[0-9a-f]{40}$")
    path: str = Field(max_length=300)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        parts = self.path.split("/")
        plain = all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", part) for part in parts)
        if not plain or not self.path.endswith(".parquet"):
            raise ValueError(f"{short(self.path)} is no plain path of a .parquet file")
        return self


class Wrong(_Strict):
    """A wrong answer and how often it was given; ``label`` is -1 where the domain has none."""

    name: str
    label: int
    pictures: int = Field(gt=0)


class HeadScore(_Strict):
    """A class and split, as one reading of the head answers it. ``top1`` is the spurious accuracy
    (for `val` the accuracy); ``mean_probability`` that of the split's class; ``roc_auc`` and
    ``average_precision`` (at the result's ``prevalence``) tell the class's validation pictures from
    the split's; ``wrong`` has the most frequent other answers."""

    hits: int = Field(ge=0)
    top1: Interval
    top5: Interval | None = None
    mean_probability: float
    average_precision: float | None = None
    roc_auc: float | None = None
    wrong: list[Wrong] = []


class SplitScore(HeadScore):
    """One class and split over the full head; ``restricted`` to the domain's labels, the reading that
    ranks; ``merged``: what is a kind of a label counts as it (None where no output is). The
    ``spurious_score`` is Spurious ImageNet's: the average precision of 50 validation pictures
    against 75, over the full head."""

    class_name: str
    slug: str
    label: int
    split: str
    n: int = Field(gt=0)
    restricted: HeadScore | None = None
    merged: HeadScore | None = None
    spurious_score: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        readings = (self, self.restricted, self.merged)
        if any(reading and reading.hits > self.n for reading in readings):
            raise ValueError("more hits than pictures")
        return self


class Means(_Strict):
    """Means over classes, with intervals clustered by class."""

    top1: Interval
    top5: Interval | None = None
    mean_probability: Interval | None = None
    average_precision: Interval | None = None
    roc_auc: Interval | None = None
    restricted: Means | None = None
    merged: Means | None = None
    spurious_score: Interval | None = None


class Result(_Strict):
    """A result file; ``means`` by split. ``prevalence``: the share of validation pictures at which
    average precisions are told; None where it was that of the pictures at hand (files of versions 1
    and 2). Those are read as version 3, with what they have: version 1 the full head's top-1 and mean
    probability only, neither a framing. ``hosted``: where predictions lie that are not beside the file;
    it is written only where it is said, so that who does not know it reads all other files."""

    schema_version: Literal[3] = 3
    model: ModelRecord
    data: DataRecord
    scores: list[SplitScore]
    means: dict[str, Means]
    generated_minus_si: Interval | None
    restricted_generated_minus_si: Interval | None = None
    prevalence: float | None = Field(default=None, gt=0, lt=1)
    environment: dict[str, str]
    predictions_sha256: str = Field(pattern=SHA256)
    hosted: Hosted | None = None

    @model_validator(mode="before")
    @classmethod
    def _migrated(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        version = value.get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise ValueError(
                f"made by a newer spurbench: results of version {version}, this one reads up to "
                f"{SCHEMA_VERSION}; upgrade"
            )
        if version not in (1, 2):
            return value
        new = {k: v for k, v in value.items() if k != "macro"} | {"schema_version": 3}
        macro = value.get("macro")
        if version == 1 and isinstance(macro, dict):
            new["means"] = {split: {"top1": interval} for split, interval in macro.items()}
        return new

    @field_serializer("scores")
    def _ordered(self, scores: list[SplitScore]) -> list[dict[str, Any]]:
        return [s.model_dump() for s in sorted(scores, key=lambda s: (s.slug, s.split))]

    @model_serializer(mode="wrap")
    def _without_nowhere(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in dump(self).items() if k != "hosted" or v is not None}

    @property
    def macro(self) -> dict[str, Interval]:
        """The mean top-1 over classes, by split."""
        return {split: means.top1 for split, means in self.means.items()}

    @property
    def slug(self) -> str:
        """A file name: the spec, the weights' hash, the framing, and a hash of what else decides."""
        return file_slug(self.model, self.data, self.environment)

    def path_under(self, root: Path) -> Path:
        """Where the result belongs below a results folder."""
        return result_path(root, self.model, self.data, self.environment)


def file_slug(model: ModelRecord, data: DataRecord, environment: dict[str, str]) -> str:
    """The name of a result file without its ending: one for each way to score a model."""
    how = f"{model.transform.get('framing')}{model.transform.get('size')}"
    decides = {
        "framing": model.framing,
        "transform": model.transform,
        "val_transform": model.val_transform,
        "label_space": [model.label_space, model.outputs, model.labels_sha256],
        "selection": data.selection.model_dump() if data.selection else None,
        "validation": data.validation.fingerprint if data.validation else None,
        "dtype": environment.get("dtype", "float32"),
    }
    variant = sha256_json(decides)[:8]
    return f"{slugify(model.spec)}-{model.weights_sha256[:8]}-{slugify(how)}-{variant}"


def result_path(
    root: Path, model: ModelRecord, data: DataRecord, environment: dict[str, str]
) -> Path:
    """Where a result belongs below a results folder."""
    return root / data.domain / data.version / f"{file_slug(model, data, environment)}.json"


def write_result(result: Result, path: Path) -> None:
    """Write the result as JSON, whole or not at all."""
    write_text(path, json.dumps(result.model_dump(), indent=1, ensure_ascii=False) + "\n")


def read_result(path: Path) -> Result:
    """Read and check a result file; UserError names what is wrong with it."""
    data = read_json(path, "a result file")
    try:
        return Result.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{path}: not a result file ({validation_reason(error)})") from error


def read_results(root: str | Path) -> list[Result]:
    """Every result below a folder, ordered by path.

    Raises UserError where there is none, a JSON file is not a result, or two are of the same run.
    """
    root = Path(root)
    files = files_below(root, lambda name: name.endswith(".json")) if is_folder(root) else []
    if not files:
        raise UserError(f"{root}: no result files (*.json); make one with `spurbench eval`")
    results = {file: read_result(file) for file in files}
    places: dict[Path, Path] = {}
    for file, result in results.items():
        other = places.setdefault(result.path_under(root), file)
        if other != file:
            raise UserError(f"{other} and {file} are results of the same run; remove one of them")
    return list(results.values())
