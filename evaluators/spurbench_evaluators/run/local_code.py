"""The user's own code in a classifier: what no version says, and no weights' hash covers."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from spurbench.contracts import Classifier
from spurbench.files import sha256_file, sha256_json

OURS = ("spurbench", "spurbench_evaluators", "spurbench_builders", "spurbench_leaderboard")


def local_code_sha256(classifier: Classifier) -> str | None:
    """SHA-256 over the source files that the classifier's own classes come from, and over the modules
    loaded from beside them; None where all of it is installed packages, which versions cover.

    Code that is written into no file, as in a notebook, cannot be covered.
    """
    roots = {path.parent for name in _modules_of(classifier) if (path := _source(name))}
    if not roots:
        return None
    files = {}
    for name in list(sys.modules):
        path = _source(name)
        if path and any(path.is_relative_to(root) for root in roots):
            files[name] = sha256_file(path)
    return sha256_json(files)


def _modules_of(classifier: Classifier) -> set[str]:
    """Names of the modules that the classifier's class, its network's and their parts are defined in."""
    import torch

    network = getattr(classifier, "network", None)
    parts = list(network.modules()) if isinstance(network, torch.nn.Module) else []
    types = {kind for part in (classifier, *parts) for kind in type(part).__mro__}
    return {kind.__module__ for kind in types}


def _source(name: str) -> Path | None:
    """The file of a loaded module that is neither installed nor ours."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file or name.split(".")[0] in OURS or not file.endswith(".py"):
        return None
    path = Path(file).resolve()
    installed = {
        sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib", "platstdlib")
    }
    if any(path.is_relative_to(Path(place).resolve()) for place in installed):
        return None
    return path if path.is_file() else None
