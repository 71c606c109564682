"""A copy of the project in which mutmut can work.

mutmut names a mutant by its file's path and the running code by its module's name, so the packages
must lie side by side at the root, where the two agree.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "spurbench": "spurbench",
    "spurbench_builders": "builders/spurbench_builders",
    "spurbench_evaluators": "evaluators/spurbench_evaluators",
    "spurbench_leaderboard": "leaderboard/spurbench_leaderboard",
    "spurbench_publishing": "publishing/spurbench_publishing",
}
BESIDE = ("tests", "docs", "scripts", "leaderboard/results", "leaderboard/data", "README.md")


@dataclass(frozen=True)
class Group:
    """Modules that are mutated together, and the tests that must notice; paths from the copy's root."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def groups() -> list[Group]:
    """Every group of groups.yaml."""
    text = (Path(__file__).parent / "groups.yaml").read_text(encoding="utf-8")
    entries: dict[str, Any] = yaml.safe_load(text)
    return [Group(n, tuple(g["modules"]), tuple(g["tests"])) for n, g in entries.items()]


def stage(group: Group, folder: Path) -> None:
    """Copy the project into the folder, with mutmut's settings for the group."""
    for path in (*group.tests, *(at_home(module) for module in group.modules)):
        if not (ROOT / path).exists():
            raise SystemExit(f"groups.yaml: {group.name}: there is no {path}")
    ignore = shutil.ignore_patterns("__pycache__")
    for package, source in PACKAGES.items():
        shutil.copytree(ROOT / source, folder / package, ignore=ignore, dirs_exist_ok=True)
    for name in BESIDE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignore, dirs_exist_ok=True)
        else:
            shutil.copy2(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(_settings(group), encoding="utf-8")


def at_home(module: str) -> str:
    """The path in this repository of a module, which groups.yaml names as it is imported."""
    package, _, rest = module.partition("/")
    return f"{PACKAGES[package]}/{rest}"


def _settings(group: Group) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pytest = project["tool"]["pytest"]["ini_options"]
    here = [o for o in pytest["addopts"] if not o.startswith(("-n", "--maxprocesses", "--dist"))]
    pytest["addopts"] = [*here, "-p", "no:cacheprovider"]  # mutmut runs mutants side by side itself
    mutmut = {
        "source_paths": list(PACKAGES),
        "only_mutate": list(group.modules),
        "also_copy": [name for name in BESIDE if name != "tests"],
        "pytest_add_cli_args_test_selection": list(group.tests),
        # torch is not safe to fork once it has computed: mutants fork from a server that has not.
        "process_isolation": "forkserver",
        "track_dependencies": False,
        "use_git_change_detection": False,
    }
    return "\n".join([*_table("tool.pytest.ini_options", pytest), *_table("tool.mutmut", mutmut)])


def _table(name: str, values: dict[str, Any]) -> list[str]:
    # A JSON string, list, number or boolean is the same in TOML.
    return [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
