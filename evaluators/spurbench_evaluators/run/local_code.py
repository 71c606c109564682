"""The user's own code in a classifier: what no version says, and no weights' hash covers."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

from spurbench.contracts import Classifier
from spurbench.files import sha256_file, sha256_json
from spurbench_evaluators.loaders.python import MADE_IN

OURS = ("spurbench", "spurbench_evaluators", "spurbench_builders", "spurbench_leaderboard")


def local_code_sha256(classifier: Classifier) -> str | None:
    """SHA-256 over the source files that the classifier is made of: those that its classes, its
    network's and the functions in them come from, and all that these import, wherever in a file.

    None where all of it is installed packages, which versions cover. What is imported by a name that
    is put together while it runs, and code that is written into no file, cannot be covered.
    """
    files: dict[str, str] = {}
    waiting = _modules_of(classifier)
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if path is None or name in files:
            continue
        files[name] = sha256_file(path)
        waiting |= set(_imported(name, path))
    return sha256_json(files) if files else None


def _modules_of(classifier: Classifier) -> set[str]:
    """Names of the modules that the classifier's class, its network's and their parts are defined in,
    and of the one whose function made it."""
    import torch

    network = getattr(classifier, "network", None)
    parts = list(network.modules()) if isinstance(network, torch.nn.Module) else []
    defined: list[object] = [getattr(classifier, MADE_IN, None)]
    for part in (classifier, *parts):
        held = getattr(part, "__dict__", {}).values()  # a function may stand in for a method
        kinds = [*type(part).__mro__, *(type(value) for value in held), *held]
        defined += [getattr(kind, "__module__", None) for kind in kinds]
    return {name for name in defined if isinstance(name, str)}


def _imported(name: str, path: Path) -> Iterator[str]:
    """Names of the modules that a module's source imports, and of the packages they lie in."""
    package = getattr(sys.modules.get(name), "__package__", None)
    if package is None:
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    yield from _with_packages(name)
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # of a module that is not loaded yet, and may never be
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_packages(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                try:
                    base = resolve_name("." * node.level + base, package)
                except ImportError:
                    continue
            for alias in node.names:
                yield from _with_packages(f"{base}.{alias.name}")


def _with_packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


def _source(name: str) -> Path | None:
    """The source file of a module that is neither installed nor ours."""
    if name.split(".")[0] in OURS:
        return None
    file = getattr(sys.modules.get(name), "__file__", None)
    path = Path(file).resolve() if file else _on_the_path(name)
    if path is None or path.suffix != ".py" or not path.is_file() or _installed(path):
        return None
    return path


def _on_the_path(name: str) -> Path | None:
    """The file of a module that is not loaded; found without importing what it lies in."""
    if name in sys.modules or not all(part.isidentifier() for part in name.split(".")):
        return None  # a namespace or a built-in, or no module's name
    for entry in sys.path:
        place = Path(entry or ".").joinpath(*name.split("."))
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                return path.resolve()
    return None


def _installed(path: Path) -> bool:
    # Those of an interpreter that lends its packages to a virtual environment, too.
    if {"site-packages", "dist-packages"} & set(path.parts):
        return True
    kinds = ("purelib", "platlib", "stdlib", "platstdlib")
    return any(path.is_relative_to(Path(sysconfig.get_path(kind)).resolve()) for kind in kinds)
