"""`python/MODULE:CALLABLE`: a classifier that the user's own code builds."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import cast

from spurbench.contracts import Classifier
from spurbench.errors import UserError

MADE_IN = "_spurbench_made_in"
"""Attribute of a classifier: the module whose callable made it, so that its code can be told from
other code though the classifier's class is a package's."""


class PythonEvaluator:
    """Calls MODULE.CALLABLE(weights=PATH or None), which returns a Classifier (spurbench.contracts)."""

    def names(self) -> list[str]:
        """None: they are the user's."""
        return []

    def load(self, name: str, *, weights: Path | None = None) -> Classifier:
        """What the callable returns, if it fulfils the contract."""
        module_name, colon, attribute = name.partition(":")
        if not colon or not attribute or not all(module_name.split(".")):
            raise UserError(f"python/{name}: is not python/MODULE:CALLABLE")
        # The user's module lies beside where the command is run, as with `python -m`.
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        module = _module(module_name, name)
        if not hasattr(module, attribute):
            raise UserError(f"python/{name}: {module_name} has no {attribute!r}")
        maker = getattr(module, attribute)
        made = maker(weights=weights)
        lacks = lacking(made)
        if lacks:
            raise UserError(f"python/{name}: returned an object without {', '.join(lacks)}")
        with suppress(AttributeError):  # slots take none
            object.__setattr__(made, MADE_IN, getattr(maker, "__module__", None) or module_name)
        return cast(Classifier, made)


def lacking(made: object) -> list[str]:
    """What an object has not that a Classifier needs; empty for a classifier."""
    needed = ("spec", "label_space", "transform", "facts", "logits")
    return [attribute for attribute in needed if not hasattr(made, attribute)]


def _module(module_name: str, spec: str) -> ModuleType:
    """Import the user's module; an import that fails inside it keeps its traceback."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name != missing and not module_name.startswith(f"{missing}."):
            raise
        raise UserError(f"python/{spec}: no module {module_name!r} on the path") from error
