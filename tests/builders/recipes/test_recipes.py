"""Recipes: every field counts, and a bad one reports all its faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from spurbench import plugins
from spurbench.errors import UserError
from spurbench_builders.recipes.files import (
    derived,
    differences,
    load_recipe,
    parse_recipe,
    recipe_names,
)
from spurbench_builders.recipes.model import Recipe

OTHER = {
    "attract": "contrast",
    "instance": "prior",
    "mean": "nearest",
    "abar": "none",
    "fp32": "bf16",
    "full": "frozen",
    "auto": "cpu",
    "cpu": "auto",
    "constant": "linear",
    "random": "stratified",
}


FROM_NONE = {"base_revision": "0" * 40, "decode_size": 64, "lora": None, "average": 0.9}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in leaves(v, (*path, k))]
    return [path]


def changed(value: Any, path: tuple[Any, ...]) -> Any:
    if isinstance(value, bool):
        return not value
    if value is None:
        return FROM_NONE[path[-1]]
    if isinstance(value, str):
        return OTHER.get(value, value + "x")
    if isinstance(value, list):
        return [changed(value[0], path), *value[1:]]
    return value / 2 if isinstance(value, float) else value + 1


def changes_of_every_field(recipe: Recipe) -> Iterator[tuple[tuple[Any, ...], Recipe]]:
    """The recipe with each of its fields changed in turn."""
    paths = leaves(recipe.model_dump(mode="json"))
    paths.remove(("training", "lora"))  # only beside a part trained by lora
    assert len(paths) > 35
    for path in paths:
        data = recipe.model_dump(mode="json")
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = changed(place[path[-1]], path)
        yield path, Recipe.model_validate(data)


def test_changing_any_field_changes_the_fingerprint() -> None:
    recipe = load_recipe("micro")
    found = [changed.fingerprint() for _, changed in changes_of_every_field(recipe)]
    assert len({recipe.fingerprint(), *found}) == len(found) + 1


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
        ("prompt", "prior", "{noun:>999999999}"),
        ("prompt", "prior", "{noun.__class__}"),
        ("prompt", "prior", "{noun!r}"),
        ("references", "pool", 10**12),
        ("prior", "images", 10**9),
        ("training", "steps", 10**18),
        ("training", "batch", 10**9),
        ("sampling", "steps", 10**9),
        ("similarity", "decode_size", 10**9),
        ("similarity", "weight", 1e308),
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


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_reads_and_says_what_it_is(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name and recipe.summary


def test_sd15_has_the_papers_numbers() -> None:
    recipe = load_recipe("sd15")
    t, s = recipe.training, recipe.sampling
    assert (t.steps, t.batch, t.learning_rate, t.weight_decay) == (800, 1, 2e-6, 0.01)
    assert (t.betas, t.epsilon, t.prior_weight) == ((0.9, 0.999), 1e-8, 1.0)
    assert (t.unet, t.text_encoder) == ("full", "full")
    assert (s.steps, s.guidance, recipe.references.count, len(recipe.panel)) == (25, 7.5, 6, 4)
    kappas = {
        "hummingbird": 1.0,
        "fireboat": 1.0,
        "flagpole": 1.0,
        "freight car": 0.8,
        "gondola": 0.8,
        "koala": 0.8,
    }
    known = {c.name for c in plugins.domain("imagenet").cards()}
    assert set(recipe.similarity.class_weights) <= known
    assert {name: recipe.similarity.kappa(name) for name in kappas} == kappas


def test_table_2_is_a_chain_of_differences() -> None:
    for base in ("micro", "sd15"):
        vanilla, text = load_recipe(f"{base}-vanilla"), load_recipe(f"{base}-text-encoder")
        assert vanilla.training.text_encoder == "frozen" and text.training.text_encoder == "full"
        assert all(r.similarity.kappa("freight car") == 0 for r in (vanilla, text))
        for kappa in (1, 0.8, 0.5):
            assert load_recipe(f"{base}-sfsl-{kappa}").similarity.kappa("freight car") == kappa


def test_a_recipe_states_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "one.yaml").write_text("extends: micro\nname: one\ntraining: {steps: 7}\n")
    two = tmp_path / "sub" / "two.yaml"
    two.write_text("extends: ../one.yaml\nname: two\nsimilarity: {class_weights: null}\n")
    recipe = load_recipe(str(two))
    assert (recipe.name, recipe.training.steps, recipe.similarity.class_weights) == ("two", 7, {})
    assert recipe.prompt == load_recipe("micro").prompt
    assert differences(str(two)) == ("../one.yaml", ["similarity.class_weights = default"])


def test_recipes_that_extend_each_other_in_a_ring(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"extends: {other}.yaml\nname: {name}\n")
    with pytest.raises(UserError, match="extends itself by way of"):
        load_recipe(str(tmp_path / "a.yaml"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"unet": "frozen", "text_encoder": "frozen"}}, "nothing would be trained"),
        ({"training": {"unet": "lora"}}, "give lora"),
        ({"training": {"lora": {"rank": 4, "alpha": 4}}}, "if and only if"),
        ({"panel": [{"spec": "timm/x", "sha256": "0" * 64}]}, "about the file named by weights"),
        ({"training": {"prior_weight": 0}, "similarity": {"images": "prior"}}, "prior_weight is 0"),
        ({"base_revision": "main"}, "base_revision"),
    ],
)
def test_settings_that_contradict_each_other(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        derived(load_recipe("micro"), changes, "mine")


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    data = load_recipe("micro").model_dump(mode="json") | {"name": "mine"}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    assert load_recipe(str(path)).name == "mine"
