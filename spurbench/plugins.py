"""Finds plug-ins by entry points: built-in ones and third parties' alike.

Groups: ``spurbench.commands``, ``spurbench.builders``, ``spurbench.evaluators``,
``spurbench.domains``. Listing names imports none of them.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from .contracts import Classifier, Domain, Evaluator
from .errors import UserError, unknown


def find(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group by name, sorted; two of one name are an error."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=f"spurbench.{group}"), key=lambda p: p.name):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise UserError(
                f"two plug-ins are both called {point.name!r} in spurbench.{group}: "
                f"{other.value} and {point.value}; uninstall one of them"
            )
    return found


def load(group: str, name: str) -> Any:
    """The object behind a plug-in's entry point; an unknown name gets suggestions."""
    points = find(group)
    if name not in points:
        raise unknown(group.rstrip("s"), name, points)
    return points[name].load()


def domain(name: str) -> Domain:
    """The domain of that name, such as ``micro`` or ``imagenet``."""
    return cast(Domain, load("domains", name)())


def classifier(spec: str, **options: Any) -> Classifier:
    """Load the classifier named by a spec ``LOADER/NAME``; options go to the loader."""
    loader, slash, name = spec.partition("/")
    if not slash or not name:
        raise UserError(
            f"model spec {spec!r} is not LOADER/NAME; loaders: {', '.join(find('evaluators'))}"
        )
    evaluator = cast(Evaluator, load("evaluators", loader)())
    return evaluator.load(name, **options)
