"""Every field of a recipe changes what a test sees; a field without a row here fails. Those of
training, similarity and sampling are tried in method/test_effects.py."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from spurbench_builders.recipes.model import Network, Recipe, Sampling, Similarity, Training
from tests.builders.method import test_effects as method
from tests.rows import mentions, source_of

HERE = "builders/recipes/test_field_effects.py"
BESIDE = "builders/run/test_side_by_side.py"
METHOD = "builders/method/test_effects.py"
ROWS = {
    "Recipe.name": f"{HERE}::test_the_name_is_in_every_generated_row",
    "Recipe.summary": f"{HERE}::test_the_summary_is_listed",
    "Recipe.domain": f"{HERE}::test_the_domain_brings_its_classes",
    "Recipe.base": f"{HERE}::test_another_base_makes_other_pictures",
    "Recipe.base_revision": f"{HERE}::test_the_hubs_revision_is_the_pinned_one",
    "Recipe.threads": f"{BESIDE}::test_threads_come_from_the_recipe_or_the_machine",
    "Recipe.device": f"{BESIDE}::test_on_a_gpu_classes_are_built_one_after_another",
    "Recipe.panel": f"{HERE}::test_the_panel_selects_and_judges",
    "Network.spec": f"{HERE}::test_a_network_by_its_spec",
    "Network.weights": f"{HERE}::test_a_networks_own_weights",
    "Network.sha256": f"{HERE}::test_a_networks_own_weights",
    "Network.prefix": f"{HERE}::test_a_networks_own_weights",
    "Prompt.identifier": f"{HERE}::test_prompts_of_training_and_sampling",
    "Prompt.instance": f"{HERE}::test_prompts_of_training_and_sampling",
    "Prompt.prior": f"{HERE}::test_the_prior_prompt_makes_the_prior_pictures",
    "Prompt.contexts": f"{HERE}::test_contexts_follow_the_instance_prompt",
    "References.pool": f"{HERE}::test_counts_of_pictures",
    "References.count": f"{HERE}::test_counts_of_pictures",
    "References.choice": "builders/steps/test_findings.py::test_stratified_references_are_drawn_by_psi_of_the_robust_network",
    "References.validation": f"{HERE}::test_counts_of_pictures",
    "Prior.images": f"{HERE}::test_counts_of_pictures",
    "Lora.rank": f"{HERE}::test_rank_and_alpha_of_adapters",
    "Lora.alpha": f"{HERE}::test_rank_and_alpha_of_adapters",
    "Audit.referee": f"{HERE}::test_the_referee_looks_for_the_object",
    "Audit.threshold": f"{HERE}::test_the_threshold_counts_the_objects",
    "Similarity.robust": f"{HERE}::test_another_robust_network_trains_other_weights",
    **{f"Training.{name}": f"{METHOD}::test_a_setting_of_training" for name in method.TRAINING},
    **{f"Training.{n}": f"{METHOD}::test_what_decides_no_weight" for n in method.SAME_WEIGHTS},
    **{
        f"Similarity.{name}": f"{METHOD}::test_a_setting_of_the_similarity_loss"
        for name in method.SIMILARITY
    },
    **{f"Sampling.{name}": f"{METHOD}::test_a_setting_of_sampling" for name in method.SAMPLING},
}


def parts(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The model and all those that its fields are made of, whatever stands around them."""

    def inside(annotation: Any) -> set[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return parts(annotation)
        return {found for part in getattr(annotation, "__args__", ()) for found in inside(part)}

    return {model}.union(*(inside(field.annotation) for field in model.model_fields.values()))


def is_part(annotation: Any) -> bool:
    return (
        isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation != Network
    )


def test_every_field_has_a_row_that_names_a_test_of_it() -> None:
    known = parts(Recipe)
    assert {Training, Similarity, Sampling, Network} < known
    fields = {
        f"{model.__name__}.{name}"
        for model in known
        for name, field in model.model_fields.items()
        if not is_part(field.annotation)  # its own fields have rows
    } | {"Similarity.robust"}
    assert fields == set(ROWS)
    for field, node in ROWS.items():
        name = field.partition(".")[2]
        assert node.startswith(METHOD) or mentions(source_of(node), name), f"{field}: {node}"
