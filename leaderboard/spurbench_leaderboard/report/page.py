"""The page: nothing in it comes from elsewhere, no text of a result is markup, and there is no script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from spurbench.html import asset, environment, policy_hash
from spurbench.printing import one_line
from spurbench.results import HeadScore, Interval, Means, SplitScore
from spurbench.scores.significance import least_classes
from spurbench_leaderboard.tables import asked_framing

from .confusion import MOST as MOST_ANSWERS
from .confusion import reading
from .facts import cautions, facts
from .gathered import READINGS, Gathered, heads, mean_heads
from .scored import VALIDATION
from .worst import most_of_a_class

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "spurbench_leaderboard.report"
MARK = "spurbench report"
"""Stands in every page as its generator."""
SPLITS = {
    "si": "References (SI)",
    "generated": "Generated pictures",
    "val": "Validation pictures",
}
OUTCOMES = {"taken": "taken for the class", "shows": "showing the class", "right": "right"}


def page(gathered: Gathered) -> str:
    """A report as one HTML file."""
    style = asset(PACKAGE, "page.css")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{policy_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    result = gathered.result
    slugs = {score.slug for score in result.scores if score.split != VALIDATION}
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            mark=MARK,
            policy=policy,
            style=style,
            report=gathered,
            result=result,
            framing=asked_framing(result),
            facts=facts(result),
            cautions=list(cautions(result)),
            most_of_a_class=most_of_a_class(len(slugs)),
            least_classes=least_classes(),
            most_answers=MOST_ANSWERS,
            validation=VALIDATION,
            splits=SPLITS,
            readings=READINGS,
            outcomes=OUTCOMES,
        )
    )


@cache
def _environment() -> Environment:
    made = environment(PACKAGE, finalize=_printable)
    made.filters |= {"percent": _percent, "bounds": _bounds, "points": _points, "p": _p}
    made.globals |= {"heads": _heads, "mean_heads": _mean_heads, "reading": reading}
    return made


def _heads(score: SplitScore) -> dict[str, HeadScore]:
    return dict(heads(score))


def _mean_heads(means: Means) -> dict[str, Means]:
    return dict(mean_heads(means))


def _printable(value: Any) -> Any:
    """Texts that come from a result as one line of printable signs; what the templates made stays."""
    return one_line(value) if type(value) is str else value


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _points(share: float) -> str:
    """A difference in percentage points, with its sign."""
    said = f"{100 * share:+.1f}"
    return "0.0" if said in ("+0.0", "-0.0") else said.replace("-", "−")  # noqa: RUF001


def _bounds(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "no interval"
    low, high = (f"{100 * end:.1f}".replace("-", "−") for end in (interval.low, interval.high))  # noqa: RUF001
    return f"[{low}, {high}]"


def _p(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"
