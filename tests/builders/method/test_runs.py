"""A run of training steps: its seed, its checkpoints, its team and its end."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from spurbench.errors import UserError
from spurbench_builders.method.batches import draw
from spurbench_builders.method.checkpoint import trained_state
from spurbench_builders.method.finetune import Finetuning, StepLog, finetune
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team
from tests.builders.method.test_finetune import ROBUST, data_for, recipe
from tests.builders.tiny_pipeline import make_pipeline

LORA = {"unet": "lora", "text_encoder": "frozen", "lora": {"rank": 2, "alpha": 4}}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("runs"), safety=False)


def plain(**training: Any) -> Recipe:
    return recipe(training={"steps": 3, **training}, similarity={"weight": 0})


def run(
    model: BaseModel,
    chosen: Recipe,
    seed: int = 5,
    checkpoint: Path | None = None,
    team: Team | None = None,
) -> list[StepLog]:
    return list(finetune(model, ROBUST, data_for(model, chosen), chosen, seed, checkpoint, team))


def with_dropout(pipeline: Path) -> BaseModel:
    """Its text encoder's attention drops a third while it trains."""
    model = load_base_model(pipeline)
    layers = [m for n, m in model.text_encoder.named_modules() if n.endswith("self_attn")]
    assert layers
    for layer in layers:
        layer.dropout = 0.3
    return model


def same(one: BaseModel, other: BaseModel) -> bool:
    left, right = trained_state(one), trained_state(other)
    return all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("way", ["dropout", "lora"])
def test_the_seed_alone_decides_what_is_drawn(pipeline: Path, way: str) -> None:
    """Adapters' first weights and dropout come from torch's global state: it is seeded too."""
    models = []
    for seed, outside in ((5, 1), (5, 2), (6, 1)):
        model = with_dropout(pipeline) if way == "dropout" else load_base_model(pipeline)
        torch.manual_seed(outside)
        run(model, plain(**(LORA if way == "lora" else {})), seed)
        models.append(model)
    assert same(models[0], models[1]) and not same(models[0], models[2])


def test_dropout_is_on_while_training(pipeline: Path) -> None:
    dropped, kept = with_dropout(pipeline), load_base_model(pipeline)
    assert [log.ldm for log in run(dropped, plain())] != [log.ldm for log in run(kept, plain())]


def test_a_run_with_dropout_goes_on_to_the_same_bits(pipeline: Path, tmp_path: Path) -> None:
    chosen, path = plain(steps=4, checkpoint_every=2), tmp_path / "checkpoint.pt"
    whole, killed, resumed = (with_dropout(pipeline) for _ in range(3))
    logs = run(whole, chosen)
    running = finetune(killed, ROBUST, data_for(killed, chosen), chosen, 5, path)
    for _ in range(3):
        next(running)
    del running
    torch.manual_seed(77)
    assert run(resumed, chosen, checkpoint=path) == logs[2:]
    assert same(whole, resumed)


def test_checkpoints_come_when_they_are_due_and_not_at_the_end(
    pipeline: Path, tmp_path: Path
) -> None:
    """Every second step, once its log is out; the sixth step's weights are the result itself."""
    chosen, path = plain(steps=6, checkpoint_every=2), tmp_path / "checkpoint.pt"
    model = load_base_model(pipeline)
    done = []
    for _ in finetune(model, ROBUST, data_for(model, chosen), chosen, 5, path):
        done.append(torch.load(path, weights_only=True)["step"] if path.exists() else None)
    done.append(torch.load(path, weights_only=True)["step"])
    assert done == [None, None, 2, 2, 4, 4, 4]


def test_what_is_trained_is_frozen_and_in_evaluation_at_the_end(pipeline: Path) -> None:
    model = load_base_model(pipeline)
    run(model, plain(**LORA))
    for module in (model.unet, model.text_encoder):
        assert not module.training and not any(p.requires_grad for p in module.parameters())
    names = set(load_base_model(pipeline).unet.state_dict())
    assert set(model.unet.state_dict()) == names, "adapters are folded in"


def test_a_prior_weight_of_0_draws_no_prior(pipeline: Path) -> None:
    model = load_base_model(pipeline)
    logs = run(model, plain(prior_weight=0))
    assert all(log.prior == 0 and log.loss == log.ldm for log in logs)
    other = load_base_model(pipeline)
    chosen, data = plain(), data_for(other, plain())
    tuning = Finetuning(other, ROBUST, data, chosen, Team())
    batch = draw(data, tuning.schedule, torch.Generator().manual_seed(5), 1, prior=False)
    assert logs[0].ldm == pytest.approx(tuning.terms(batch).ldm.item(), rel=1e-5)


def test_a_loss_without_bound_is_divergence_too(pipeline: Path) -> None:
    model, chosen = load_base_model(pipeline), recipe(training={"steps": 3})
    data = replace(data_for(model, chosen), kappa=math.inf)
    with pytest.raises(UserError) as error:
        list(finetune(model, ROBUST, data, chosen, 5, None))
    assert str(error.value) == (
        "training diverged at step 1 (the loss is inf); lower training.learning_rate"
    )


class Second(Team):
    """The second of two processes, without the first."""

    def __init__(self, *, agrees: bool = True) -> None:
        super().__init__(1, 2)
        self.agrees, self.wrapped = agrees, 0

    def same(self, number: int) -> bool:
        assert number == 0
        return self.agrees

    def parallel(self, module: Any) -> Any:
        self.wrapped += 1
        return module

    def mean(self, numbers: list[float]) -> list[float]:
        return [n + 10 * (i + 1) for i, n in enumerate(numbers)]


def test_a_process_of_a_team_does_its_share_and_logs_the_teams_mean(
    pipeline: Path, tmp_path: Path
) -> None:
    chosen, team = plain(batch=2, checkpoint_every=1, prior_weight=0.5), Second()
    model = load_base_model(pipeline)
    data = data_for(model, chosen)
    path = tmp_path / "checkpoint.pt"
    (log, *_) = finetune(model, ROBUST, data, chosen, 5, path, team)
    tuning = Finetuning(load_base_model(pipeline), ROBUST, data, chosen, Team())
    batch = draw(data, tuning.schedule, torch.Generator().manual_seed(5), 2, prior=True)
    terms = tuning.terms(batch.share(1, 2))
    assert log.ldm == pytest.approx(terms.ldm.item() + 10, rel=1e-6)
    assert log.prior == pytest.approx(terms.prior.item() + 20, rel=1e-6)
    assert log.similarity == 30 and log.loss == pytest.approx(log.ldm + 0.5 * log.prior)
    assert team.wrapped == 1, "what is trained is wrapped for the team"
    assert not path.exists(), "the lead alone writes"


def test_processes_that_see_different_checkpoints_stop(pipeline: Path, tmp_path: Path) -> None:
    path, model = tmp_path / "checkpoint.pt", load_base_model(pipeline)
    with pytest.raises(UserError) as error:
        run(model, plain(), checkpoint=path, team=Second(agrees=False))
    assert str(error.value) == (
        f"{path}: not every process finds it; several machines need one shared folder"
    )
