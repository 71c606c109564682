"""Measure how far image classifiers rely on spurious features.

Everything a script needs is here by name: ``build``, ``evaluate`` and ``evaluate_models`` (which
plug-ins bring), ``open_data_set`` and ``read_results``, and the types that they take and give.
A name is imported when it is first asked for: ``import spurbench`` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers alone; at run time the core imports no plug-in
    from spurbench_builders.api import build
    from spurbench_evaluators.api import evaluate, evaluate_models

    from .contracts import ClassCard, Classifier, LabelSpace, Normalisation, Transform
    from .dataset.read import DataSet, StoredPicture, open_data_set
    from .errors import UserError
    from .results import Result, read_results
    from .scores.stored import Outcome

__version__ = "0.1.0"

__all__ = [
    "ClassCard",
    "Classifier",
    "DataSet",
    "LabelSpace",
    "Normalisation",
    "Outcome",
    "Result",
    "StoredPicture",
    "Transform",
    "UserError",
    "build",
    "evaluate",
    "evaluate_models",
    "open_data_set",
    "read_results",
]

_PLUGGED_IN = ("build", "evaluate", "evaluate_models")
_MODULES = {
    "ClassCard": "contracts",
    "Classifier": "contracts",
    "DataSet": "dataset.read",
    "LabelSpace": "contracts",
    "Normalisation": "contracts",
    "Outcome": "scores.stored",
    "Result": "results",
    "StoredPicture": "dataset.read",
    "Transform": "contracts",
    "UserError": "errors",
    "open_data_set": "dataset.read",
    "read_results": "results",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    elif name in _PLUGGED_IN:
        value = _plugged_in(name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # the next access does not come here
    return value


def _plugged_in(name: str) -> Any:
    from . import plugins

    point = plugins.find("api").get(name)
    if point is None:
        raise AttributeError(
            f"{__name__}.{name} comes from a plug-in (the entry point {name!r} of spurbench.api), "
            "and none that is installed brings it; install spurbench again"
        )
    return point.load()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
