"""SFSL of a step, computed again term by term: several pictures, times, references and priors."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from spurbench.contracts import LabelSpace, Transform
from spurbench.errors import UserError
from spurbench_builders.method.schedule import schedule_of
from spurbench_builders.method.similarity import (
    Anchors,
    Making,
    _resized_by_products,
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
    for bound in (None, 300, 40):  # it looks at no picture in the making, whatever its time
        value = loss(model, settings(reading="printed", time_bound=bound))
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
    for size in ((50, 32), (32, 50)):
        assert resized(randn(1, 3, *size, seed=6), 32).shape == (1, 3, 32, 32)
    square = randn(1, 3, 32, 32, seed=6)
    assert resized(square, 32) is square


@pytest.mark.parametrize("shape", [(96, 64), (64, 64), (24, 40), (33, 100)])
def test_products_resize_as_interpolation_does(shape: tuple[int, int]) -> None:
    """Values and gradients; these add in one order, on a GPU too."""
    images = randn(2, 3, *shape, seed=6).double().requires_grad_()
    weights = randn(2, 3, 32, 32, seed=7).double()
    found = []
    for resize in (_resized_by_products, resized):
        small = resize(images, 32)
        (gradient,) = torch.autograd.grad((small * weights).sum(), images)
        found.append((small, gradient))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("pixels", "cells"), [(32, 4), (23, 2), (8, 1)])
def test_a_smaller_decoding_shrinks_the_latent(model: BaseModel, pixels: int, cells: int) -> None:
    made = making(model)
    a = schedule_of(model.scheduler_config).abar[made.times].view(-1, 1, 1, 1)
    estimate = (made.noisy - (1 - a).sqrt() * made.predicted) / a.sqrt()
    latent = F.interpolate(estimate, (cells, cells), mode="bilinear", antialias=True)
    with torch.no_grad():
        decoded = model.vae.decode(latent / model.vae.config.scaling_factor).sample
        images = (decoded / 2 + 0.5).clamp(0, 1)
        if cells != 4:
            images = F.interpolate(images, (32, 32), mode="bilinear", antialias=True)
        features = ROBUST.features(images) * ROBUST.head[0][LABEL]
    centre = known().references.numpy().mean(axis=0)
    expected = np.mean([1 - cosine(p, centre) for p in features.numpy()])
    value = loss(model, settings(decode_size=pixels, time_weight="none"))
    assert value == pytest.approx(float(expected), rel=1e-4)


def test_within_autocast_it_is_computed_in_float32(model: BaseModel) -> None:
    schedule, anchored, made = schedule_of(model.scheduler_config), known(), making(model)
    plain = similarity_loss(model, ROBUST, anchored, schedule, settings(), made)
    with torch.autocast("cpu", torch.bfloat16):
        within = similarity_loss(model, ROBUST, anchored, schedule, settings(), made)
    assert within.dtype is torch.float32 and torch.equal(within, plain)


def test_what_is_not_finite_is_left_out(model: BaseModel) -> None:
    """A NaN estimate, and an infinite value of finite ones."""
    schedule, made = schedule_of(model.scheduler_config), making(model)
    made.predicted[1] = float("nan")
    assert similarity_loss(model, ROBUST, known(), schedule, settings(), made).item() == 0
    plain = known()
    endless = Anchors(plain.references * float("inf"), plain.priors, plain.class_weight)
    value = similarity_loss(model, ROBUST, endless, schedule, settings(), making(model))
    assert value.item() == 0


def test_a_picture_that_counts_nothing_spoils_nothing(model: BaseModel) -> None:
    schedule, made = schedule_of(model.scheduler_config), making(model)
    made.noisy[1] = float("nan")
    chosen = settings(time_bound=700)
    value = similarity_loss(model, ROBUST, known(), schedule, chosen, made)
    assert value.item() == pytest.approx(loss(model, chosen), rel=1e-5) and value.item() > 0


def test_gradients_reach_the_prediction_of_every_picture_that_counts(model: BaseModel) -> None:
    schedule, plain = schedule_of(model.scheduler_config), making(model)
    predicted = plain.predicted.clone().requires_grad_()
    made = Making(plain.noisy, predicted, plain.times, plain.reference, plain.prior)
    value = similarity_loss(model, ROBUST, known(), schedule, settings(time_bound=700), made)
    value.backward()  # type: ignore[no-untyped-call]
    assert predicted.grad is not None
    sizes = predicted.grad.flatten(1).norm(dim=1)
    assert sizes[1] == 0 and sizes[0] > 0 and sizes[2] > 0


def test_a_decoding_has_a_cell_at_least(model: BaseModel) -> None:
    """Asked for less than a latent's cell, here of 16 pixels, it is one cell."""
    wider = replace(model, vae=copy(model.vae))
    wider.vae.register_to_config(block_out_channels=(1,) * 5)
    assert wider.latent_factor == 16 and model.latent_factor == 8
    assert loss(wider, settings(decode_size=8)) == loss(model, settings(decode_size=8))


class Permuted(Robust):
    """Its outputs mean other labels than their numbers, and its input is smaller than its resize."""

    label_space = LabelSpace("made", "made", tuple("abc"), (7, 2, 0))
    transform = Transform("crop", 24, 40)


def test_a_label_is_looked_up_in_the_networks_own_order(model: BaseModel) -> None:
    robust, pictures = Permuted(), randn(2, 3, 24, 48, seed=1).sigmoid()
    for label, output in ((7, 0), (2, 1), (0, 2)):
        found = anchors(robust, label, pictures, pictures)
        weight = robust.head[0][output]
        small = F.interpolate(pictures, (24, 24), mode="bilinear", antialias=True)
        torch.testing.assert_close(found.class_weight, weight)
        torch.testing.assert_close(found.references, robust.features(small) * weight)


def test_psi_of_known_pictures_has_no_graph_and_a_weight_of_its_own() -> None:
    robust = Robust()
    robust.head = (robust.head[0].requires_grad_(), robust.head[1])
    pictures = randn(2, 3, 32, 32, seed=1).sigmoid().requires_grad_()
    found = anchors(robust, 1, pictures, pictures)
    assert not any(t.requires_grad for t in (found.references, found.priors, found.class_weight))
    with torch.inference_mode():
        robust.head = (robust.head[0].clone(), robust.head[1])
    weight = anchors(robust, 1, pictures.detach(), pictures.detach()).class_weight
    assert not weight.is_inference(), "it can be saved for a backward pass"


def test_time_weights_are_abar_below_the_bound(model: BaseModel) -> None:
    schedule = schedule_of(model.scheduler_config)
    times = torch.tensor([0, 499, 500, 999])
    a = schedule.abar[times]
    assert torch.equal(time_weights(schedule, settings(), times), a)
    bound = time_weights(schedule, settings(time_bound=500), times)
    assert torch.equal(bound, torch.tensor([float(a[0]), float(a[1]), 0, 0]))
    flat = time_weights(schedule, settings(time_bound=500, time_weight="none"), times)
    assert flat.tolist() == [1, 1, 0, 0]
