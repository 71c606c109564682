"""What a classifier's scores were before and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spurbench.errors import UserError
from spurbench.results import Result, SplitScore, read_result

from .versions import Version


@dataclass(frozen=True)
class ScoreChange:
    """Spurious accuracy in [0, 1] of a class and split (of `val` the accuracy), restricted to the domain's labels where
    the result has that reading; None where one version lacks the split."""

    slug: str
    split: str
    before: float | None
    after: float | None

    def as_data(self) -> dict[str, Any]:
        """The change as JSON has it."""
        return dict(self.__dict__)


def score_changes(
    files: tuple[Path, Path], before: Version, after: Version
) -> tuple[str, list[ScoreChange]]:
    """The model's spec, and every class's scores in both versions. UserError where a result is not of its
    version, or they are of two models or framings."""
    one, two = (_of(file, version) for file, version in zip(files, (before, after), strict=True))
    for what, old, new in (
        ("model", one.model.spec, two.model.spec),
        ("weights", one.model.weights_sha256, two.model.weights_sha256),
        ("framing", one.model.framing, two.model.framing),
    ):
        if old != new:
            raise UserError(
                f"{files[1]}: is of another {what} ({new}, not {old}); give results of one model"
            )
    old_scores, new_scores = ({(s.slug, s.split): _top1(s) for s in r.scores} for r in (one, two))
    return one.model.spec, [
        ScoreChange(*key, old_scores.get(key), new_scores.get(key))
        for key in sorted(old_scores.keys() | new_scores.keys())
    ]


def _of(file: Path, version: Version) -> Result:
    result = read_result(file)
    if result.data.fingerprint != version.manifest.fingerprint():
        raise UserError(
            f"{file}: is a result on version {result.data.version}, but {version.where} is "
            f"{version.manifest.version}; score it with `spurbench eval --data {version.where}`"
        )
    return result


def _top1(score: SplitScore) -> float:
    return (score.restricted or score).top1.value
