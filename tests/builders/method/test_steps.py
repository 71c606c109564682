"""A training step with all three terms, computed again with the model's own parts and torch alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from spurbench_builders.method.batches import Batch, draw
from spurbench_builders.method.finetune import Finetuning, finetune
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team
from tests.builders.method.test_finetune import ROBUST, data_for, recipe
from tests.builders.tiny_pipeline import make_pipeline

LABEL, PRIOR_WEIGHT, KAPPA, MAX_NORM = 1, 0.3, 40.0, 2.0
TRAINING = {
    "batch": 2,
    "prior_weight": PRIOR_WEIGHT,
    "learning_rate": 2e-3,
    "epsilon": 0.05,  # so large that the gradients' sizes count and not their signs alone
    "max_gradient_norm": MAX_NORM,
    "betas": [0.6, 0.7],
}
SIMILARITY = {"weight": 0.1, "class_weights": {"hummingbird": KAPPA}, "time_bound": None}


@pytest.fixture(scope="module", params=["epsilon", "v_prediction"])
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("steps"), request.param, safety=False)


def made(training: dict[str, Any] | None = None, **similarity: Any) -> Recipe:
    return recipe(
        training={**TRAINING, **(training or {})}, similarity={**SIMILARITY, **similarity}
    )


def tuning_of(pipeline: Path, chosen: Recipe) -> Finetuning:
    model = load_base_model(pipeline)
    return Finetuning(model, ROBUST, data_for(model, chosen), chosen, Team())


def batch_of(tuning: Finetuning, seed: int = 4) -> Batch:
    batch = draw(tuning.data, tuning.schedule, torch.Generator().manual_seed(seed), 2, prior=True)
    return replace(batch, times=torch.tensor([300, 40, 150, 620]).roll(seed))


def by_hand(model: BaseModel, data: Any, batch: Batch, images: str, *, bf16: bool = False) -> Any:
    """Eq. 1, 2 and 5 (attract, mean anchor, weighted by abar) of two instances and two priors."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    a = torch.tensor(np.cumprod(1 - betas)[batch.times], dtype=torch.float32).view(-1, 1, 1, 1)
    z, noise = batch.latents, batch.noise
    noisy = a.sqrt() * z + (1 - a).sqrt() * noise
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        states = model.text_encoder(data.tokens[[0, 0, 1, 1]])[0]
        out = model.unet(noisy, batch.times, states).sample.float()
    if model.scheduler_config["prediction_type"] == "epsilon":
        target, clean = noise, (noisy - (1 - a).sqrt() * out) / a.sqrt()
    else:
        target = a.sqrt() * noise - (1 - a).sqrt() * z
        clean = a.sqrt() * noisy - (1 - a).sqrt() * out
    rows = [0, 1] if images == "instance" else [2, 3]
    decoded = model.vae.decode(clean[rows] / model.vae.config.scaling_factor).sample
    small = F.interpolate(
        (decoded / 2 + 0.5).clamp(0, 1), (32, 32), mode="bilinear", antialias=True
    )
    psi = ROBUST.features(small) * ROBUST.head[0][LABEL]
    centre = data.features.references.mean(dim=0)
    pulls = a.flatten()[rows] * (1 - F.cosine_similarity(psi, centre[None], dim=1))
    return ((out - target)[:2] ** 2).mean(), ((out - target)[2:] ** 2).mean(), pulls.mean()


@pytest.mark.parametrize("images", ["instance", "prior"])
def test_the_three_terms_by_hand(pipeline: Path, images: str) -> None:
    tuning = tuning_of(pipeline, made(images=images))
    batch = batch_of(tuning)
    terms = tuning.terms(batch)
    known = by_hand(tuning.model, tuning.data, batch, images)
    for ours, value in zip((terms.ldm, terms.prior, terms.similarity), known, strict=True):
        torch.testing.assert_close(ours, value, rtol=1e-3, atol=1e-5)


def weights_after_by_hand(pipeline: Path, chosen: Recipe) -> dict[str, Tensor]:
    """Two steps: Eq. 6, the gradients' common norm cut, AdamW."""
    model = load_base_model(pipeline)
    for module in (model.unet, model.text_encoder):
        module.requires_grad_(True).train()
    data = data_for(model, chosen)
    tuning = tuning_of(pipeline, chosen)
    named = {f"unet.{n}": p for n, p in model.unet.named_parameters()}
    named |= {f"text_encoder.{n}": p for n, p in model.text_encoder.named_parameters()}
    optimiser = torch.optim.AdamW(
        named.values(), lr=2e-3, betas=(0.6, 0.7), eps=0.05, weight_decay=0.01
    )
    for seed in (4, 5):
        ldm, prior, similarity = by_hand(model, data, batch_of(tuning, seed), "instance")
        loss = ldm + PRIOR_WEIGHT * prior + KAPPA * similarity
        grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
        norm = torch.sqrt(sum((g.double() ** 2).sum() for g in grads if g is not None))  # type: ignore[arg-type]
        for p, g in zip(named.values(), grads, strict=True):
            p.grad = None if g is None else (g * min(1.0, MAX_NORM / float(norm))).detach()
        optimiser.step()
    return {name: p.detach() for name, p in named.items()}


def test_weights_after_two_steps_of_the_whole_loss(pipeline: Path) -> None:
    chosen = made()
    known, tuning = weights_after_by_hand(pipeline, chosen), tuning_of(pipeline, chosen)
    before = {n: p.detach().clone() for n, p in tuning.trainee.named_parameters().items()}
    for seed in (4, 5):
        tuning.step(batch_of(tuning, seed))
    after = tuning.trainee.named_parameters()
    assert set(known) == set(after)
    for part in ("unet", "text_encoder"):
        names = [n for n in known if n.startswith(part)]
        way = torch.cat([(known[n] - before[n]).flatten() for n in names])
        ours = torch.cat([(after[n].detach() - before[n]).flatten() for n in names])
        assert float((ours - way).norm() / way.norm()) < 0.01, part


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_bf16_is_for_the_networks_that_learn_alone(pipeline: Path, precision: str) -> None:
    """Their prediction is bfloat16's, to the bit; the losses are float32."""
    tuning = tuning_of(pipeline, made({"precision": precision}))
    batch = batch_of(tuning)
    terms = tuning.terms(batch)
    for bf16 in (True, False):
        ldm, prior, _ = by_hand(tuning.model, tuning.data, batch, "instance", bf16=bf16)
        gaps = torch.stack([terms.ldm - ldm, terms.prior - prior]).detach().abs()
        same = float(gaps.max()) < 1e-6
        assert same is (bf16 == (precision == "bf16"))
    assert {t.dtype for t in (terms.ldm, terms.prior, terms.similarity)} == {torch.float32}
    terms.ldm.backward()  # type: ignore[no-untyped-call]
    assert {p.grad.dtype for p in tuning.trainee.parameters if p.grad is not None} == {
        torch.float32
    }


def test_a_frozen_text_encoder_reads_the_prompts_once(pipeline: Path) -> None:
    frozen, afresh = (
        tuning_of(pipeline, made({"text_encoder": "frozen"})),
        tuning_of(pipeline, made()),
    )
    assert afresh.states is None and frozen.states is not None
    assert torch.equal(frozen.states, frozen.model.states(frozen.data.tokens))
    batch = batch_of(frozen)
    ours, other = frozen.terms(batch), afresh.terms(batch)
    assert ours.ldm.item() == pytest.approx(other.ldm.item(), rel=1e-4)
    assert ours.prior.item() == pytest.approx(other.prior.item(), rel=1e-4)


def test_states_read_once_have_no_graph(pipeline: Path) -> None:
    """Also where the text encoder came with gradients on: a second backward would fail."""
    chosen = made({"text_encoder": "frozen"})
    model = load_base_model(pipeline)
    data = data_for(model, chosen)
    model.text_encoder.requires_grad_(True)
    tuning = Finetuning(model, ROBUST, data, chosen, Team())
    assert tuning.states is not None and not tuning.states.requires_grad


def test_a_log_adds_up_eq_6_of_the_steps_terms(pipeline: Path) -> None:
    chosen = made({"steps": 2})
    model = load_base_model(pipeline)
    data = data_for(model, chosen)
    first, second = finetune(model, ROBUST, data, chosen, 5, None)
    tuning = tuning_of(pipeline, chosen)
    generator = torch.Generator().manual_seed(5)
    terms = tuning.terms(draw(data, tuning.schedule, generator, 2, prior=True))
    assert (first.ldm, first.prior, first.similarity) == pytest.approx(
        (terms.ldm.item(), terms.prior.item(), terms.similarity.item()), rel=1e-5
    )
    for number, log in enumerate((first, second)):
        total = log.ldm + PRIOR_WEIGHT * log.prior + KAPPA * log.similarity
        assert log.step == number and log.loss == pytest.approx(total, rel=1e-9)
        assert min(log.ldm, log.prior, log.similarity) > 0


def test_kappa_0_does_not_look_at_a_picture(pipeline: Path) -> None:
    """Even where psi_k are known: the data's weight decides, not the recipe's."""
    tuning = tuning_of(pipeline, made())
    tuning.data = replace(tuning.data, kappa=0.0)
    assert tuning.data.features is not None
    assert tuning.terms(batch_of(tuning)).similarity.item() == 0
