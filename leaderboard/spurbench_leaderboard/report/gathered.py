"""All that a report says of a model, before it has a form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from spurbench.dataset.read import DataSet
from spurbench.errors import UserError
from spurbench.results import HeadScore, Interval, Means, Result, SplitScore

from .against import Against, against
from .calibration import Calibration, calibrations
from .confusion import Fired, fired
from .scored import Scored, in_order
from .worst import Worst, with_pictures, worst

READINGS = {"restricted": "domain's labels", "full": "full head", "merged": "kinds merged"}


@dataclass(frozen=True)
class Gathered:
    """A result with what comes of its predictions. ``lacking`` says why there are none of those,
    ``shown`` whether the worst pictures come with thumbnails."""

    result: Result
    fired: tuple[Fired, ...]
    calibrations: tuple[Calibration, ...]
    worst: tuple[Worst, ...]
    against: Against | None
    lacking: str
    shown: bool

    @property
    def splits(self) -> list[str]:
        """Names of the splits, in order."""
        return sorted({score.split for score in self.result.scores}, key=in_order)

    @property
    def readings(self) -> list[str]:
        """The readings that some score has: the one that ranks first."""
        has = {name for score in self.result.scores for name, _ in heads(score)}
        return [name for name in READINGS if name in has]

    def of(self, split: str) -> list[SplitScore]:
        """A split's scores, by the class's name."""
        found = (score for score in self.result.scores if score.split == split)
        return sorted(found, key=lambda score: (score.class_name, score.slug))

    @cached_property
    def names(self) -> dict[str, str]:
        """The class's name by its slug, with the slug where several features are of one class."""
        named = {score.slug: score.class_name for score in self.result.scores}
        times = Counter(named.values())
        return {
            slug: f"{name} ({slug})" if times[name] > 1 else name for slug, name in named.items()
        }

    @property
    def has_spurious_score(self) -> bool:
        """Whether a split's mean has Spurious ImageNet's own score."""
        return any(means.spurious_score for means in self.result.means.values())

    @property
    def differences(self) -> list[tuple[str, Interval]]:
        """Generated minus references by reading, as far as they are known."""
        found = {
            "restricted": self.result.restricted_generated_minus_si,
            "full": self.result.generated_minus_si,
        }
        return [(name, value) for name, value in found.items() if value is not None]


def heads(score: SplitScore) -> Iterator[tuple[str, HeadScore]]:
    """The readings that a class and split has."""
    if score.restricted:
        yield "restricted", score.restricted
    yield "full", score
    if score.merged:
        yield "merged", score.merged


def mean_heads(means: Means) -> Iterator[tuple[str, Means]]:
    """The readings that a split's means have."""
    if means.restricted:
        yield "restricted", means.restricted
    yield "full", means
    if means.merged:
        yield "merged", means.merged


def gather(scored: Scored, data: DataSet | None, other: Scored | None) -> Gathered:
    """All of a report. ``data`` has the pictures; UserError where it is another data set than the result's, where
    they are asked for and there are no predictions to choose from, or the other cannot be compared."""
    result, predictions = scored.result, scored.predictions
    if data:
        _check_data(scored, data)
    found = worst(predictions) if predictions else []
    return Gathered(
        result=result,
        fired=tuple(fired(result, predictions)),
        calibrations=tuple(calibrations(predictions)) if predictions else (),
        worst=tuple(with_pictures(found, data) if data else found),
        against=against(scored, other) if other else None,
        lacking=scored.lacking,
        shown=data is not None,
    )


def _check_data(scored: Scored, data: DataSet) -> None:
    manifest, record = data.manifest, scored.result.data
    if manifest.fingerprint() != record.fingerprint:
        raise UserError(
            f"{data.folder}: holds version {manifest.version} of {manifest.name}; {scored.path.name} is of "
            f"{record.name} {record.version}: name that data set with --pictures"
        )
    if scored.lacking:
        raise UserError(
            f"{scored.path}: {scored.lacking}; without them no pictures can be chosen: leave out --pictures"
        )
