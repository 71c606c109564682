"""What decides a build's bytes is in its identity, and a step's key has all but what it ignores."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from spurbench_builders.models.needed import Models
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.steps.identity import (
    INDEPENDENT_OF,
    identity_of,
    package_versions,
    step_key,
)
from spurbench_builders.team import Team
from tests.builders.made import CARD, OTHER, made_pool, made_recipe, made_request
from tests.builders.recipes.test_recipes import changes_of_every_field
from tests.source_hashes import code_by_hand

PACKAGES = (
    *("spurbench", "torch", "torchvision", "numpy", "diffusers", "transformers", "timm"),
    *("pillow", "datasets"),
)
WEIGHTS = {"panel 0 made/one": "a1", "base": "b2"}
MODELS = cast(Models, SimpleNamespace(identities=WEIGHTS))
TEAM = cast(Team, SimpleNamespace(device_name="card of a kind", size=3))


def identity(recipe: Recipe | None = None, **options: Any) -> dict[str, Any]:
    request = made_request(Path("x"), recipe, **options)
    return identity_of(request, CARD, made_pool(10, 20), MODELS, TEAM)


RECIPE = made_recipe()


@cache
def whole_identity() -> dict[str, Any]:
    """Of RECIPE, looked up once: versions take their time."""
    return identity(RECIPE)


def key(name: str, of: Recipe | None = None, **changes: Any) -> str:
    recipe = of or RECIPE
    of_recipe = {**whole_identity(), "recipe": recipe.model_dump(mode="json"), **changes}
    return step_key(of_recipe, name, recipe.similarity.kappa(CARD.name))


def test_an_identity_holds_all_that_decides_the_bytes() -> None:
    recipe, pool = made_recipe(), made_pool(10, 20)
    listed = [[p.origin, hashlib.sha256(p.data).hexdigest()] for p in pool]
    text = json.dumps(listed, separators=(",", ":"))
    assert identity(recipe, images=9, seed=6) == {
        "recipe": recipe.model_dump(mode="json"),
        "card": {"name": "freight car", "label": 3, "noun": "leaves", "feature": "sprayed leaves"},
        "images": 9,
        "seed": 6,
        "references": hashlib.sha256(text.encode()).hexdigest(),
        "filtered": True,
        "weights": WEIGHTS,
        "versions": package_versions(recipe),
        "device": "card of a kind",
        "processes": 3,
        "threads": 1,
    }
    assert json.loads(json.dumps(identity())) == identity(), "as JSON has it"


def test_deterministic_arithmetic_counts_on_a_gpu_alone() -> None:
    """A CPU's bytes are the same either way; of a GPU's both may be wanted side by side."""
    assert identity(RECIPE, deterministic=True) == {**whole_identity(), "deterministic": True}
    assert key("train", deterministic=True) != key("train")
    cpu = cast(Team, SimpleNamespace(device_name="cpu", size=1))
    asked, plain = (
        identity_of(made_request(Path("x"), RECIPE, deterministic=d), CARD, (), MODELS, cpu)
        for d in (True, False)
    )
    assert asked == plain


def test_threads_are_what_the_recipes_come_to_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    found = [identity(made_recipe(threads=threads))["threads"] for threads in (1, 3, None)]
    assert found == [1, 3, 5]


def test_own_pictures_that_no_panel_looks_at_are_another_identity(tmp_path: Path) -> None:
    own = identity(own_references=tmp_path)
    assert own["filtered"] is False
    assert identity(own_references=tmp_path, filter_own=True)["filtered"] is True


def test_the_order_of_the_pictures_and_their_names_count() -> None:
    request = made_request(Path("x"))

    def found(*numbers: int) -> str:
        pool = made_pool(*numbers)
        return str(identity_of(request, CARD, pool, MODELS, TEAM)["references"])

    assert len({found(10, 20), found(20, 10), found(10), found(10, 20, 30)}) == 4


def test_versions_are_those_of_what_computes_and_peft_where_it_does() -> None:
    rooms = ("spurbench", "spurbench_builders", "spurbench_evaluators")
    plain = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    plain["code"] = code_by_hand(*rooms)
    assert package_versions(load_recipe("micro")) == plain
    lora = package_versions(load_recipe("micro-lora"))
    assert set(lora) == {*plain, "peft"} and lora == {**plain, "peft": version("peft")}


@pytest.mark.parametrize("name", INDEPENDENT_OF)
def test_everything_of_an_identity_but_the_recipe_counts_for_a_step(name: str) -> None:
    """All of it: a picture fewer than another build's is another sample step, and no other."""
    whole = whole_identity()
    for field in set(whole) - {"recipe"}:
        other: dict[str, Any] = {field: "something else"}
        changed = key(name, **other) != key(name)
        assert changed == (field != "images" or name == "sample"), field
    for field in whole["card"]:
        assert key(name, card={**whole["card"], field: "x"}) != key(name), field
    for package in whole["versions"]:
        assert key(name, versions={**whole["versions"], package: "0"}) != key(name), package
    assert key(name, something_new=1) != key(name), "until someone says that it does not count"


COME_TO = {"threads", "device"}
"""Fields of which the identity holds what they come to here."""
MATTERS = {
    "references": {"domain", "references", "panel"},
    "prior": {"domain", "base", "base_revision", "prompt.prior", "prior", "sampling"},
}


@pytest.mark.parametrize("name", INDEPENDENT_OF)
def test_of_a_recipe_only_what_plays_no_part_leaves_a_steps_key_alone(name: str) -> None:
    for path, recipe in changes_of_every_field(RECIPE):
        dotted = ".".join(map(str, path))
        if name in MATTERS:
            matters = path[0] in MATTERS[name] or dotted in MATTERS[name]
        else:
            nothing = {"prompt.contexts", "similarity.class_weights.koala", "similarity.weight"}
            matters = (
                path[0] not in {"name", "summary", "audit", *COME_TO} and dotted not in nothing
            )
        assert (key(name, recipe) != key(name)) == matters, path


def test_strata_are_of_the_robust_network() -> None:
    """Whose features group the references, so another network's are other references; at random none is."""
    for choice, counts in (("stratified", True), ("random", False)):
        recipe = derived(RECIPE, {"references": {"choice": choice}}, "x")
        other = derived(recipe, {"similarity": {"robust": "micro/vit"}}, "x")
        kappa = derived(recipe, {"similarity": {"time_bound": 3}}, "x")
        assert (key("references", other) != key("references", recipe)) == counts
        assert key("references", kappa) == key("references", recipe)


def test_a_weight_is_the_same_wherever_it_is_written() -> None:
    """And another class's weight, or the recipe's where the class has its own, is nothing to it."""
    by_class = made_recipe()
    for changes in (
        {"weight": 0.9},
        {"class_weights": {"koala": 5.0}},
        {"weight": 0.4, "class_weights": None},
    ):
        written = derived(by_class, {"similarity": changes}, "x")
        assert key("train", written) == key("train", by_class), changes
    other = derived(by_class, {"similarity": {"class_weights": {CARD.name: 0.2}}}, "x")
    assert by_class.similarity.kappa(OTHER.name) == 0.2 != by_class.similarity.kappa(CARD.name)
    assert key("train", other) != key("train", by_class)


@pytest.mark.parametrize("name", ["train", "sample"])
def test_without_a_weight_the_similarity_settings_play_no_part(name: str) -> None:
    def set_to(weight: float, **changes: Any) -> Recipe:
        settings = {"class_weights": {CARD.name: weight}, **changes}
        return derived(made_recipe(), {"similarity": settings}, "x")

    none = set_to(0)
    assert key(name, set_to(0, reading="contrast", time_bound=9)) == key(name, none)
    assert key(name, set_to(0.1)) != key(name, none)
    assert key(name, set_to(0.1, reading="contrast")) != key(name, set_to(0.1))


def test_a_key_is_a_hash_and_leaves_the_identity_as_it_is() -> None:
    whole = identity()
    before = copy.deepcopy(whole)
    found = {step_key(whole, name, 0.4) for name in INDEPENDENT_OF}
    assert whole == before and {len(k) for k in found} == {64} and len(found) == 4
