"""Reads recipes: YAML files that state everything, or extend another and state what differs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spurbench.errors import UserError, unknown
from spurbench.reading import is_file, read_text

from .model import Recipe
from .plain_yaml import parse_yaml

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Source:
    """A recipe's YAML: ``data`` as it stands in the file, ``where`` it is from."""

    data: dict[str, Any]
    where: str
    folder: Path | None

    @property
    def parent(self) -> str | None:
        """Name or path of the recipe it extends."""
        name = self.data.get("extends")
        if name is None or isinstance(name, str):
            return name
        raise UserError(f"{self.where}: extends: must name one recipe")


def recipe_names() -> list[str]:
    """Names of the recipes that ship with the package."""
    files = resources.files(__package__).iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))


def load_recipe(name: str) -> Recipe:
    """A shipped recipe by name, or one of the user's by the path of its YAML file."""
    source = read_source(name)
    return check_recipe(resolved(source), source.where)


def parse_recipe(text: str, where: str) -> Recipe:
    """Check a recipe's YAML text; UserError lists every fault at once."""
    source = Source(_mapping(text, where), where, None)
    return check_recipe(resolved(source), where)


def derived(recipe: Recipe, changes: dict[str, Any], where: str) -> Recipe:
    """The recipe with changes merged in as `extends` merges them."""
    return check_recipe(merged(recipe.model_dump(mode="json"), changes), where)


def differences(name: str) -> tuple[str | None, list[str]]:
    """What a recipe extends, and what it states of its own as ``part.field = value``."""
    source = read_source(name)
    own = {k: v for k, v in source.data.items() if k not in {"extends", "name", "summary"}}
    return source.parent, [f"{path} = {value}" for path, value in _leaves(own)]


def read_source(name: str, beside: Path | None = None) -> Source:
    """The YAML of a shipped recipe or of a file, relative paths taken from ``beside``."""
    if name.endswith(SUFFIXES):
        path = (beside or Path()) / name
        if not is_file(path):
            raise UserError(f"{path}: no such recipe file")
        return Source(_mapping(read_text(path), str(path)), str(path), path.parent)
    if name not in recipe_names():
        raise unknown(
            "recipe",
            name,
            recipe_names(),
            "(`spurbench list recipes`), or give the path of a .yaml file",
        )
    file = resources.files(__package__) / f"{name}.yaml"
    where = f"recipe {name}"
    return Source(_mapping(file.read_text(encoding="utf-8"), where), where, None)


def resolved(source: Source) -> dict[str, Any]:
    """The source's data on top of what it extends, all the way up."""
    chain, seen = [source], {source.where}
    while (parent := chain[-1].parent) is not None:
        above = read_source(parent, chain[-1].folder)
        if above.where in seen:
            raise UserError(f"{source.where}: extends itself by way of {above.where}")
        seen.add(above.where)
        chain.append(above)
    data: dict[str, Any] = {}
    for part in reversed(chain):
        own = {k: v for k, v in part.data.items() if k != "extends"}
        data = merged(data, own)
    return data


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge key by key, except a network's (the one with `spec`); that and anything else
    replaces. null puts a field back to its default."""
    result = dict(below)
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict) and "spec" not in value:
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def check_recipe(data: dict[str, Any], where: str) -> Recipe:
    """The recipe that the data describes; UserError lists every fault at once."""
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(p)[:60] for p in e['loc']) or 'the whole'}: {e['msg']}"
            for e in error.errors()
        ]
        raise UserError(f"{where}: {'; '.join(faults)}") from error


def _mapping(text: str, where: str) -> dict[str, Any]:
    data = parse_yaml(text, where)
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UserError(f"{where}: not a recipe: must be a mapping of fields")
    return data


def _leaves(data: dict[str, Any], path: str = "") -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for key, value in data.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict) and value:
            leaves += _leaves(value, here)
        else:
            leaves.append((here, "default" if value is None else value))
    return leaves
