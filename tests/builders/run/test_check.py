"""What is refused before any work: networks that cannot play their part, settings that do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spurbench.contracts import LabelSpace
from spurbench.errors import UserError
from spurbench_builders.models.needed import Models
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.run import check as check_module
from spurbench_builders.run.check import check, check_settings
from spurbench_builders.team import Team
from tests.builders.made import CARD, OTHER, Featured, MadeDomain, Reader, made_models, made_recipe
from tests.builders.tiny_pipeline import make_pipeline

BOAT = replace(CARD, name="boat", label=5)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("base"), safety=False)


def refused(models: Models, *cards: Any, team: Team | None = None) -> str:
    with pytest.raises(UserError) as caught:
        check(models, cards or (CARD, OTHER), team or Team())
    return str(caught.value)


def test_networks_that_can_play_their_part_pass(base: Path) -> None:
    check(made_models(base), (CARD, OTHER), Team())
    unlooked = made_models(base)
    vars(unlooked).update(referee=None)
    check(unlooked, (CARD, OTHER), Team())
    check(made_models(base), (CARD, OTHER), Team(0, 2))


def test_every_member_needs_an_output_for_every_class(base: Path) -> None:
    """Class boat has one in the second member and the robust network, but none in the first."""
    models = made_models(base)
    assert refused(models, CARD, BOAT) == "made/one: has no output for boat"
    lion = replace(CARD, name="lion", label=9)
    assert refused(models, lion, CARD, BOAT) == "made/one: has no output for lion, boat"
    vars(models).update(robust=Featured("made/robust", (7, 3), {}, 1.0), panel=models.panel[1:])
    assert refused(models, CARD, BOAT) == "made/robust: has no output for boat"
    check(models, (CARD,), Team())


def test_networks_of_another_domain_are_refused(base: Path) -> None:
    models = made_models(base)
    models.panel[1].label_space = LabelSpace("y", "imagenet", ("a", "b", "c"), (7, 3, 5))
    assert refused(models) == (
        "made/two knows the labels of 'imagenet', but recipe 'made' is of domain 'micro'"
    )


def test_the_robust_network_needs_features_and_the_referee_its_classes(base: Path) -> None:
    models = made_models(base)
    vars(models).update(robust=Reader("made/plain", (5, 3, 7), {}, 1.0))
    assert refused(models) == "made/plain: offers no features for the similarity loss"
    models = made_models(base)
    assert refused(models, CARD, replace(OTHER, name="lion")) == (
        "made/referee: cannot tell whether it sees a lion"
    )


def test_the_base_model_and_the_settings_are_looked_at_too(base: Path, tmp_path: Path) -> None:
    models = made_models(make_pipeline(tmp_path / "base", safety=False))
    (tmp_path / "base" / "scheduler" / "scheduler_config.json").write_text("{")
    assert "scheduler_config.json: not JSON" in refused(models)
    odd = '{"num_train_timesteps": 10, "prediction_type": "sample"}'
    (tmp_path / "base" / "scheduler" / "scheduler_config.json").write_text(odd)
    assert "sample" in refused(models)
    assert "over 3 processes" in refused(made_models(base), team=Team(0, 3))
    weighted = made_recipe(similarity={"class_weights": {"lion": 1.0}})
    assert "'lion'" in refused(made_models(base, weighted))


def test_a_batch_is_shared_out_equally_or_not_at_all() -> None:
    recipe = made_recipe(training={"batch": 6})
    for processes in (1, 2, 3, 6):
        check_settings(recipe, MadeDomain(), processes)
    for processes in (4, 5, 12):
        with pytest.raises(UserError) as caught:
            check_settings(recipe, MadeDomain(), processes)
        assert str(caught.value) == (
            f"recipe 'made': training.batch 6 cannot be shared out equally over {processes} "
            "processes; make it a multiple of them"
        )


def test_weights_are_for_classes_of_the_domain() -> None:
    check_settings(made_recipe(similarity={"class_weights": {"koala": 1.0}}), MadeDomain(), 1)
    for also in ({}, {"koala": 1.0}):
        odd = made_recipe(similarity={"class_weights": {**also, "koalla": 1.0}})
        with pytest.raises(UserError) as caught:
            check_settings(odd, MadeDomain(), 1)
        assert str(caught.value).startswith(
            "unknown class in made's similarity.class_weights 'koalla'; did you mean 'koala'"
        )


def test_adapters_need_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    lora = derived(load_recipe("micro-lora"), {"similarity": {"class_weights": None}}, "x")
    plain = made_recipe()
    check_settings(lora, MadeDomain(), 1)
    asked: list[str] = []

    def nothing(name: str) -> None:
        asked.append(name)

    monkeypatch.setattr(check_module, "find_spec", nothing)
    check_settings(plain, MadeDomain(), 1)
    with pytest.raises(UserError) as caught:
        check_settings(lora, MadeDomain(), 1)
    assert asked == ["peft"] and str(caught.value) == (
        "low-rank adapters need the package peft: pip install 'spurbench[lora]'"
    )
