"""Finds plug-ins by entry points: built-in ones and third parties' alike.

Groups: ``spurbench.commands``, ``spurbench.api`` (functions of ``spurbench`` itself),
``spurbench.builders``, ``spurbench.evaluators``, ``spurbench.domains``. Listing names imports none
of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from inspect import Parameter, signature
from typing import Any, cast

from .contracts import Classifier, Domain, ModelCard
from .errors import UserError, unknown

WORDS = {"evaluators": "loader"}
"""What users call the plug-ins of a group."""


def find(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group by name, sorted; two of one name are an error."""
    points: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=f"spurbench.{group}"), key=lambda p: p.name):
        other = points.setdefault(point.name, point)
        if other.value != point.value:
            raise UserError(
                f"two plug-ins are both called {point.name!r} in spurbench.{group}: "
                f"{other.value} and {point.value}; uninstall one of them"
            )
    return points


def load(group: str, name: str) -> Any:
    """The object behind a plug-in's entry point; an unknown name gets suggestions."""
    points = find(group)
    if name not in points:
        raise unknown(WORDS.get(group, group.rstrip("s")), name, points)
    return points[name].load()


def domain(name: str) -> Domain:
    """The domain of that name, such as ``micro`` or ``imagenet``."""
    return cast(Domain, load("domains", name)())


def classifier(spec: str, **options: Any) -> Classifier:
    """Load the classifier named by a spec ``LOADER/NAME`` and put it through the self-test.

    ``options`` go to the loader; those that are None are left out. Known to the built-in loaders:
    ``weights`` (a checkpoint's path) and ``label_space`` (a name, or a file with a line an output).
    """
    from .selftest import check_classifier

    loader, evaluator, name = _evaluator(spec)
    loaded = cast(Classifier, evaluator.load(name, **_accepted(evaluator.load, loader, options)))
    check_classifier(loaded)
    return loaded


def card(spec: str, **options: Any) -> ModelCard:
    """What is known of the model named by a spec without its weights; needs no network.

    Raises UserError where the loader has no cards or the model's label space is not known.
    """
    loader, evaluator, name = _evaluator(spec)
    if not hasattr(evaluator, "card"):
        raise UserError(f"{spec}: the loader {loader!r} knows a model only once it is loaded")
    return cast(ModelCard, evaluator.card(name, **_accepted(evaluator.card, loader, options)))


def packages(spec: str) -> dict[str, str]:
    """Versions of the packages that the loader of a spec says its models' answers depend on
    (``packages``), and of the package that brings the loader; empty for no known loader."""
    point = find("evaluators").get(spec.partition("/")[0])
    if point is None:
        return {}
    own = [point.dist.name] if point.dist else []
    return {name: _version(name) for name in [*own, *getattr(point.load(), "packages", ())]}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # its distribution has another name, such as onnxruntime-gpu
        return str(getattr(sys.modules.get(package), "__version__", "unknown"))


def model_names(loader: str) -> list[str]:
    """Specs of the models that a loader knows by name."""
    return [f"{loader}/{name}" for name in load("evaluators", loader)().names()]


def split_spec(spec: str) -> tuple[str, str]:
    """Loader and name of a model spec; UserError where it is none, or there is no such loader."""
    loader, slash, name = spec.partition("/")
    known = find("evaluators")
    if not slash or not name:
        raise UserError(f"model spec {spec!r} is not LOADER/NAME; loaders: {', '.join(known)}")
    if loader not in known:
        raise unknown(WORDS["evaluators"], loader, known)
    return loader, name


def _evaluator(spec: str) -> tuple[str, Any, str]:
    loader, name = split_spec(spec)
    return loader, load("evaluators", loader)(), name


def _accepted(call: Callable[..., Any], loader: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given; UserError for one that the loader does not take."""
    given = {name: value for name, value in options.items() if value is not None}
    taken = signature(call).parameters
    open_ended = any(p.kind is Parameter.VAR_KEYWORD for p in taken.values())
    foreign = [] if open_ended else [name for name in given if name not in taken]
    if foreign:
        words = " or ".join(f"--{name.replace('_', '-')}" for name in foreign)
        raise UserError(f"models of the loader {loader!r} take no {words}; leave it out")
    return given
