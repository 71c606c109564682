"""The result file: one scored model on one data set, as data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from .contracts import slugify
from .errors import UserError
from .files import write_text
from .statistics import Estimate

SHA256 = "^[0-9a-f]{64}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Interval(_Strict):
    """A share in [0, 1], or a difference in [-1, 1], with its 95 % interval; None where unknown."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, estimate: Estimate) -> Interval:
        low, high = (None if math.isnan(b) else b for b in (estimate.low, estimate.high))
        return cls(value=estimate.value, low=low, high=high)

    @field_validator("value")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not -1.0 <= value <= 1.0:
            raise ValueError("not a share or a difference of shares")
        return value


class ModelRecord(_Strict):
    """What was scored."""

    spec: str
    architecture: str
    parameters: int
    weights_sha256: str = Field(pattern=SHA256)
    weights_source: str
    options: dict[str, Any]
    label_space: str
    transform: dict[str, Any]


class DataRecord(_Strict):
    """What it was scored on."""

    name: str
    domain: str
    version: str
    fingerprint: str = Field(pattern=SHA256)


class SplitScore(_Strict):
    """One class and split. ``top1`` is the spurious accuracy for `si` and `generated`, the
    accuracy for `val`; ``mean_probability`` is that of the split's class."""

    class_name: str
    slug: str
    label: int
    split: str
    n: int = Field(gt=0)
    hits: int = Field(ge=0)
    top1: Interval
    mean_probability: float

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.hits > self.n:
            raise ValueError("more hits than pictures")
        return self


class Result(_Strict):
    """A result file. ``macro`` has a mean over classes by split, its interval clustered by class."""

    schema_version: Literal[1] = 1
    model: ModelRecord
    data: DataRecord
    scores: list[SplitScore]
    macro: dict[str, Interval]
    generated_minus_si: Interval | None
    environment: dict[str, str]
    predictions_sha256: str = Field(pattern=SHA256)

    @field_serializer("scores")
    def _ordered(self, scores: list[SplitScore]) -> list[dict[str, Any]]:
        return [s.model_dump() for s in sorted(scores, key=lambda s: (s.slug, s.split))]

    @property
    def slug(self) -> str:
        """A file name: the model's spec, its weights' hash and the framing it was scored with."""
        how = f"{self.model.transform.get('framing')}{self.model.transform.get('size')}"
        return f"{slugify(self.model.spec)}-{self.model.weights_sha256[:8]}-{slugify(how)}"

    def path_under(self, root: Path) -> Path:
        """Where the result belongs below a results folder."""
        return root / self.data.domain / self.data.version / f"{self.slug}.json"


def write_result(result: Result, path: Path) -> None:
    """Write the result as JSON, whole or not at all."""
    write_text(path, json.dumps(result.model_dump(), indent=1, ensure_ascii=False) + "\n")


def read_result(path: Path) -> Result:
    """Read and check a result file; UserError names what is wrong with it."""
    try:
        return Result.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise UserError(f"{path}: not a result file: {where}: {first['msg']}") from error
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: not a result file: {error}") from error


def read_results(root: Path) -> list[Result]:
    """Every result below a folder, by path; none at all is an error."""
    files = sorted(root.rglob("*.json")) if root.is_dir() else []
    if not files:
        raise UserError(f"{root}: no result files (*.json); make one with `spurbench eval`")
    return [read_result(path) for path in files]
