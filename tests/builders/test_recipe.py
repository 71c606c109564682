"""Recipes: every field counts, and a bad one reports all its faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from spurbench.errors import UserError
from spurbench_builders.recipe import Recipe, load_recipe, parse_recipe


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in leaves(v, (*path, k))]
    return [path]


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "contrast" if value == "attract" else value + "x"
    if isinstance(value, list):
        return [changed(value[0]), *value[1:]]
    return value / 2 if isinstance(value, float) else value + 1


def test_changing_any_field_changes_the_fingerprint() -> None:
    recipe = load_recipe("micro")
    seen = {recipe.fingerprint()}
    paths = leaves(recipe.model_dump(mode="json"))
    assert len(paths) > 20
    for path in paths:
        data = recipe.model_dump(mode="json")
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = changed(place[path[-1]])
        seen.add(Recipe.model_validate(data).fingerprint())
    assert len(seen) == len(paths) + 1


def test_all_faults_at_once() -> None:
    data = load_recipe("micro").model_dump(mode="json")
    data["training"]["steps"] = 0
    data["sampling"]["guidence"] = 7.5
    del data["panel"]
    with pytest.raises(UserError) as caught:
        parse_recipe(yaml.safe_dump(data), "mine.yaml")
    for said in ("mine.yaml", "training.steps", "sampling.guidence", "panel"):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("prompt", "instance", "a photo of a {name}"),
        ("prompt", "prior", "a photo of a {"),
        ("training", "betas", [1.5, 2.0]),
        ("training", "learning_rate", float("inf")),
    ],
)
def test_values_that_would_fail_late_fail_at_once(part: str, field: str, value: Any) -> None:
    data = load_recipe("micro").model_dump(mode="json")
    data[part][field] = value
    with pytest.raises(UserError, match=f"{part}.{field}"):
        parse_recipe(yaml.safe_dump(data), "mine.yaml")


def test_not_yaml_and_unknown_names() -> None:
    with pytest.raises(UserError, match=r"x\.yaml: not YAML"):
        parse_recipe("a: [", "x.yaml")
    with pytest.raises(UserError, match="unknown recipe 'mikro'; did you mean 'micro'"):
        load_recipe("mikro")


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    data = load_recipe("micro").model_dump(mode="json") | {"name": "mine"}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    assert load_recipe(str(path)).name == "mine"
