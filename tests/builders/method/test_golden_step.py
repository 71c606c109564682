"""Eq. 1 to 3 and the optimiser against two steps that diffusers' own parts computed
(scripts/golden_step.py): losses, gradients of every weight, and weights after clipping and AdamW."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from scripts.golden_step import ADAMW, MAX_NORM, PRIOR_WEIGHT, PROMPTS, WATCHED, plain_names
from scripts.golden_step import gradient_norms as norms
from spurbench_builders.method import losses
from spurbench_builders.method.batches import Batch, TrainingSet
from spurbench_builders.method.finetune import Finetuning
from spurbench_builders.models.base import load_base_model
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.team import Team
from tests.builders.formula import filled
from tests.builders.method.test_finetune import ROBUST
from tests.builders.tiny_pipeline import make_pipeline
from tests.conftest import ROOT

TRAINING = {
    "learning_rate": ADAMW["lr"],
    "betas": list(ADAMW["betas"]),
    "epsilon": ADAMW["eps"],
    "weight_decay": ADAMW["weight_decay"],
    "max_gradient_norm": MAX_NORM,
    "prior_weight": PRIOR_WEIGHT,
}


@dataclass(frozen=True)
class Golden:
    """A recorded run, and ours at its beginning."""

    known: dict[str, Tensor]
    tuning: Finetuning

    def batch(self, step: int) -> Batch:
        latents, noise, times = (
            self.known[f"{step}.{name}"] for name in ("latents", "noise", "times")
        )
        which = torch.zeros(2, dtype=torch.long)
        return Batch(latents, noise, times, (which, which))

    def named(self) -> dict[str, torch.nn.Parameter]:
        model = self.tuning.model
        return plain_names({"unet": model.unet, "text_encoder": model.text_encoder})


@pytest.fixture(scope="module", params=["epsilon", "v_prediction"])
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden") / request.param
    return make_pipeline(folder, request.param, safety=False)


@pytest.fixture
def golden(pipeline: Path) -> Golden:
    known = load_file(
        ROOT / "tests" / "data" / "golden" / f"dreambooth-{pipeline.name}.safetensors"
    )
    model = load_base_model(pipeline)
    filled(model.unet)
    filled(model.text_encoder)
    changes = {"name": "golden", "training": TRAINING, "similarity": {"weight": 0}}
    recipe = derived(load_recipe("micro"), changes, "golden")
    tokens = model.tokens(PROMPTS)
    assert torch.equal(tokens, known["tokens"])
    latents = known["0.latents"]
    training = TrainingSet(latents[:2], latents[2:], tokens, ("sks", "flower"), None, 0.0)
    return Golden(known, Finetuning(model, ROBUST, training, recipe, Team()))


def test_losses_and_gradients_of_a_step(golden: Golden) -> None:
    terms = golden.tuning.terms(golden.batch(0))
    ours = torch.stack([terms.ldm, terms.prior])
    torch.testing.assert_close(ours, golden.known["0.losses"], rtol=1e-4, atol=1e-6)
    losses.total(terms.ldm, terms.prior, terms.similarity, PRIOR_WEIGHT, 0.0).backward()  # type: ignore[no-untyped-call]
    named = golden.named()
    torch.testing.assert_close(norms(named), golden.known["0.norms"], rtol=2e-3, atol=2e-5)
    for name in WATCHED:
        gradient = named[name].grad
        assert gradient is not None
        known = golden.known[f"0.gradient.{name}"]
        gap = float((gradient - known).norm() / known.norm())
        assert gap < 1e-3, name


def test_weights_after_two_steps(golden: Golden) -> None:
    before = {name: golden.named()[name].detach().clone() for name in WATCHED}
    for step in range(2):
        golden.tuning.step(golden.batch(step))
    for name in WATCHED:
        known, ours = golden.known[f"after.{name}"], golden.named()[name].detach()
        gap = float((ours - known).norm() / (known - before[name]).norm())
        assert gap < 0.01, name
