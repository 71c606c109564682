"""SFSL of a step, computed again term by term: several pictures, times, references and priors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from spurbench.errors import UserError
from spurbench_builders.method.schedule import schedule_of
from spurbench_builders.method.similarity import (
    Anchors,
    Making,
    anchors,
    psi,
    resized,
    similarity_loss,
    time_weights,
)
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.recipes.model import Similarity
from tests.builders.method.test_finetune import Robust
from tests.builders.tiny_pipeline import make_pipeline

ROBUST = Robust()
LABEL = 2
TIMES = [40, 700, 300]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    return load_base_model(make_pipeline(tmp_path_factory.mktemp("similarity"), safety=False))


def randn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def settings(**changes: Any) -> Similarity:
    plain = load_recipe("micro").similarity.model_dump() | {"time_bound": None}
    return Similarity.model_validate(plain | changes)


def known() -> Anchors:
    return anchors(
        ROBUST,
        LABEL,
        randn(4, 3, 32, 32, seed=1).sigmoid(),
        randn(5, 3, 32, 32, seed=2).sigmoid(),
    )


def making(model: BaseModel) -> Making:
    shape = model.latent_shape()
    noisy, predicted = randn(3, *shape, seed=3), randn(3, *shape, seed=4)
    return Making(
        noisy, predicted, torch.tensor(TIMES), torch.tensor([2, 0, 3]), torch.tensor([4, 1, 0])
    )


def psi_by_hand(model: BaseModel, made: Making) -> np.ndarray:
    """psi_k of the clean estimates: (z_t - sqrt(1 - a) eps) / sqrt(a), decoded, to the network."""
    a = schedule_of(model.scheduler_config).abar[made.times].view(-1, 1, 1, 1)
    estimate = (made.noisy - (1 - a).sqrt() * made.predicted) / a.sqrt()
    with torch.no_grad():
        decoded = model.vae.decode(estimate / model.vae.config.scaling_factor).sample
        images = (decoded / 2 + 0.5).clamp(0, 1)
        small = F.interpolate(images, (32, 32), mode="bilinear", antialias=True)
        features: np.ndarray = (ROBUST.features(small) * ROBUST.head[0][LABEL]).numpy()
    return features


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def loss(model: BaseModel, chosen: Similarity) -> float:
    schedule = schedule_of(model.scheduler_config)
    return float(similarity_loss(model, ROBUST, known(), schedule, chosen, making(model)))


@pytest.mark.parametrize("time_weight", ["abar", "none"])
@pytest.mark.parametrize("anchor", ["mean", "nearest"])
@pytest.mark.parametrize("reading", ["attract", "contrast"])
def test_a_step_by_hand(model: BaseModel, reading: str, anchor: str, time_weight: str) -> None:
    made, references = psi_by_hand(model, making(model)), known().references.numpy()
    centre = references.mean(axis=0)
    cosines = [
        cosine(p, centre) if anchor == "mean" else max(cosine(p, r) for r in references)
        for p in made
    ]
    abar = schedule_of(model.scheduler_config).abar[torch.tensor(TIMES)].numpy()
    weights = abar if time_weight == "abar" else np.ones(3)
    values = [1 - c if reading == "attract" else c for c in cosines]
    chosen = settings(reading=reading, anchor=anchor, time_weight=time_weight)
    assert loss(model, chosen) == pytest.approx(float(np.mean(weights * values)), rel=1e-4)


def test_steps_at_or_above_the_bound_count_nothing_but_in_the_mean(model: BaseModel) -> None:
    made, centre = psi_by_hand(model, making(model)), known().references.numpy().mean(axis=0)
    pulls = [1 - cosine(p, centre) for p in made]
    for bound, kept in [(701, [0, 1, 2]), (700, [0, 2]), (300, [0]), (41, [0])]:
        value = loss(model, settings(time_bound=bound, time_weight="none"))
        assert value == pytest.approx(sum(pulls[i] for i in kept) / 3, rel=1e-4), bound
    assert loss(model, settings(time_bound=40)) == 0


def test_the_printed_reading_compares_the_drawn_reference_and_prior(model: BaseModel) -> None:
    references, priors = known().references.numpy(), known().priors.numpy()
    pairs = [cosine(references[i], priors[j]) for i, j in [(2, 4), (0, 1), (3, 0)]]
    value = loss(model, settings(reading="printed"))
    assert value == pytest.approx(float(np.mean(pairs)), rel=1e-5)


def test_anchors_are_psi_of_the_class(model: BaseModel) -> None:
    pictures, priors = randn(4, 3, 32, 32, seed=1).sigmoid(), randn(5, 3, 32, 32, seed=2).sigmoid()
    for label in range(3):
        found = anchors(ROBUST, label, pictures, priors)
        weight = ROBUST.head[0][label]
        torch.testing.assert_close(found.class_weight, weight)
        torch.testing.assert_close(found.references, ROBUST.features(pictures) * weight)
        torch.testing.assert_close(found.priors, ROBUST.features(priors) * weight)
    with pytest.raises(UserError) as error:
        anchors(ROBUST, 3, pictures, priors)
    assert str(error.value) == "made/robust: no output of it means class 3"


def test_pictures_are_brought_to_the_networks_size() -> None:
    picture = randn(2, 3, 50, 70, seed=5).sigmoid()
    small = F.interpolate(picture, (32, 32), mode="bilinear", antialias=True)
    torch.testing.assert_close(resized(picture, 32), small)
    weight = ROBUST.head[0][1]
    torch.testing.assert_close(psi(ROBUST, weight, picture), ROBUST.features(small) * weight)
    square = randn(1, 3, 32, 32, seed=6)
    assert resized(square, 32) is square


def test_a_smaller_decoding_shrinks_the_latent(model: BaseModel) -> None:
    made = making(model)
    a = schedule_of(model.scheduler_config).abar[made.times].view(-1, 1, 1, 1)
    estimate = (made.noisy - (1 - a).sqrt() * made.predicted) / a.sqrt()
    latent = F.interpolate(estimate, (4, 4), mode="bilinear", antialias=True)
    with torch.no_grad():
        decoded = model.vae.decode(latent / model.vae.config.scaling_factor).sample
        features = ROBUST.features((decoded / 2 + 0.5).clamp(0, 1)) * ROBUST.head[0][LABEL]
    centre = known().references.numpy().mean(axis=0)
    expected = np.mean([1 - cosine(p, centre) for p in features.numpy()])
    value = loss(model, settings(decode_size=32, time_weight="none"))
    assert value == pytest.approx(float(expected), rel=1e-4)


def test_time_weights_are_abar_below_the_bound(model: BaseModel) -> None:
    schedule = schedule_of(model.scheduler_config)
    times = torch.tensor([0, 499, 500, 999])
    a = schedule.abar[times]
    assert torch.equal(time_weights(schedule, settings(), times), a)
    bound = time_weights(schedule, settings(time_bound=500), times)
    assert torch.equal(bound, torch.tensor([float(a[0]), float(a[1]), 0, 0]))
    flat = time_weights(schedule, settings(time_bound=500, time_weight="none"), times)
    assert flat.tolist() == [1, 1, 0, 0]
