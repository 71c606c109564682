"""Every setting of training, similarity and sampling changes what is made; a new one without a row
here fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spurbench_builders.method.checkpoint import trained_state
from spurbench_builders.method.finetune import finetune
from spurbench_builders.method.sampling import sample
from spurbench_builders.models.base import load_base_model
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe, Sampling, Similarity, Training
from tests.builders.method.test_finetune import ROBUST, data_for
from tests.builders.tiny_pipeline import make_pipeline

PLAIN: dict[str, dict[str, Any]] = {
    "training": {"steps": 2, "batch": 2, "learning_rate": 1e-3, "prior_weight": 0.6},
    "similarity": {"weight": 0.8, "time_bound": None, "class_weights": None},
    "sampling": {"steps": 3, "guidance": 3.0, "batch": 2},
}
TRAINING: dict[str, Any] = {
    "steps": 3,
    "batch": 1,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "average": 0.7,
    "weight_decay": 0.5,
    "betas": [0.5, 0.6],
    "epsilon": 0.1,
    "max_gradient_norm": 0.01,
    "prior_weight": 0.3,
    "unet": "frozen",
    "text_encoder": "frozen",
    "lora": {"rank": 2, "alpha": 4},
    "precision": "bf16",
}
SAME_WEIGHTS = {"gradient_checkpointing": True, "checkpoint_every": 1}
"""What saves memory or time and decides nothing: looked at in test_trainables, test_finetune."""
SIMILARITY: dict[str, Any] = {
    "reading": "contrast",
    "weight": 0.4,
    "class_weights": {"hummingbird": 0.4},
    "images": "prior",
    "anchor": "nearest",
    "time_weight": "none",
    "time_bound": 500,
    "decode_size": 32,
}
ELSEWHERE = {"robust"}
"""The network is handed in: tests/builders/models."""
SAMPLING: dict[str, Any] = {"steps": 4, "guidance": 5.0, "batch": 1, "precision": "bf16"}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("effects"), safety=False)


def recipe(part: str | None = None, **changes: Any) -> Recipe:
    plain = {name: dict(values) for name, values in PLAIN.items()}
    if part:
        plain[part] |= changes
    return derived(load_recipe("micro"), {"name": "made", **plain}, "made")


def weights(pipeline: Path, made: Recipe) -> dict[str, torch.Tensor]:
    model = load_base_model(pipeline)
    for _ in finetune(model, ROBUST, data_for(model, made), made, 5, None):
        pass
    return trained_state(model)


@pytest.fixture(scope="module")
def plain(pipeline: Path) -> dict[str, torch.Tensor]:
    return weights(pipeline, recipe())


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_every_setting_has_a_row() -> None:
    assert set(Training.model_fields) == set(TRAINING) | set(SAME_WEIGHTS)
    assert set(Similarity.model_fields) == set(SIMILARITY) | ELSEWHERE
    assert set(Sampling.model_fields) == set(SAMPLING)


def test_the_same_recipe_gives_the_same_weights(
    pipeline: Path, plain: dict[str, torch.Tensor]
) -> None:
    assert same(plain, weights(pipeline, recipe()))


@pytest.mark.parametrize("field", TRAINING)
def test_a_setting_of_training(pipeline: Path, plain: dict[str, torch.Tensor], field: str) -> None:
    changes = {field: TRAINING[field]}
    if field == "lora":
        adapters = {"unet": "lora", "text_encoder": "lora"}
        one = weights(pipeline, recipe("training", **adapters, lora={"rank": 2, "alpha": 2}))
        other = weights(pipeline, recipe("training", **adapters, **changes))
        assert not same(one, other)
        return
    assert not same(plain, weights(pipeline, recipe("training", **changes)))


@pytest.mark.parametrize("field", SAME_WEIGHTS)
def test_what_decides_no_weight(pipeline: Path, plain: dict[str, torch.Tensor], field: str) -> None:
    other = weights(pipeline, recipe("training", **{field: SAME_WEIGHTS[field]}))
    for name, value in plain.items():
        torch.testing.assert_close(value, other[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("field", SIMILARITY)
def test_a_setting_of_the_similarity_loss(
    pipeline: Path, plain: dict[str, torch.Tensor], field: str
) -> None:
    made = recipe("similarity", **{field: SIMILARITY[field]})
    assert not same(plain, weights(pipeline, made))


def pictures(pipeline: Path, settings: Sampling) -> list[np.ndarray]:
    made = sample(load_base_model(pipeline), "a photo of a sks flower", [3, 4, 5], settings)
    return [np.asarray(image) for batch in made for image in batch]


@pytest.mark.parametrize("field", [f for f in SAMPLING if f != "batch"])
def test_a_setting_of_sampling(pipeline: Path, field: str) -> None:
    settings = recipe().sampling
    before = pictures(pipeline, settings)
    after = pictures(pipeline, settings.model_copy(update={field: SAMPLING[field]}))
    assert len(before) == len(after) == 3
    assert all(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_pictures_a_batch(pipeline: Path) -> None:
    model, settings = load_base_model(pipeline), recipe().sampling
    sizes = {
        batch: [
            len(part)
            for part in sample(
                model, "a leaves", [3, 4, 5], settings.model_copy(update={"batch": batch})
            )
        ]
        for batch in (1, 2, 5)
    }
    assert sizes == {1: [1, 1, 1], 2: [2, 1], 5: [3]}
