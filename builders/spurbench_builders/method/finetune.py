"""DreamBooth with prior preservation, a trainable text encoder and SFSL, as a generator."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from spurbench.contracts import FeatureClassifier
from spurbench.errors import UserError
from spurbench_builders.models.base import BaseModel
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team

from . import losses
from .batches import Batch, TrainingSet, draw
from .checkpoint import restore_checkpoint, save_checkpoint
from .schedule import schedule_of
from .similarity import Making, similarity_loss
from .trainables import Trainee, rate_factor


@dataclass(frozen=True)
class StepLog:
    """One training step's losses; ``similarity`` is 0 where the recipe's weight is."""

    step: int
    loss: float
    ldm: float
    prior: float
    similarity: float


@dataclass(frozen=True)
class Terms:
    """The three terms of Eq. 6, unweighted scalars."""

    ldm: Tensor
    prior: Tensor
    similarity: Tensor


class Finetuning:
    """Everything a training step needs; ``terms`` computes a batch's losses."""

    def __init__(
        self,
        model: BaseModel,
        robust: FeatureClassifier,
        training: TrainingSet,
        recipe: Recipe,
        team: Team,
    ) -> None:
        self.model, self.robust, self.data, self.recipe = model, robust, training, recipe
        self.schedule = schedule_of(model.scheduler_config).to(model.device)
        self.trainee = Trainee(model, recipe.training, training.words)
        self.optimiser = self.trainee.optimiser()
        self.average = self.trainee.average()
        self.denoiser = team.parallel(self.trainee.denoiser)
        with torch.no_grad():
            self.states = None if self.trainee.reads_text_afresh else model.states(training.tokens)

    def terms(self, batch: Batch) -> Terms:
        """Eq. 1, 2 and 5 of a batch."""
        count = len(batch.which[0])
        noisy = self.schedule.noisy(batch.latents, batch.noise, batch.times)  # (N, C, h, w)
        target = self.schedule.target(batch.latents, batch.noise, batch.times)  # (N, C, h, w)
        with torch.autocast(
            noisy.device.type, torch.bfloat16, enabled=self.recipe.training.precision == "bf16"
        ):
            predicted = self._predict(noisy, batch.times, count)  # (N, C, h, w)
        zero = torch.zeros((), device=noisy.device)
        has_prior = len(noisy) > count
        return Terms(
            losses.ldm_loss(predicted[:count], target[:count]),
            losses.ldm_loss(predicted[count:], target[count:]) if has_prior else zero,
            self._similarity(batch, noisy, predicted) if self.data.kappa else zero,
        )

    def step(self, batch: Batch, step: int = 0) -> Terms:
        """Update number ``step`` of the weights; ArithmeticError, and none, where a gradient is not
        finite."""
        training = self.recipe.training
        for group in self.optimiser.param_groups:
            group["lr"] = training.learning_rate * rate_factor(
                training.schedule, step / training.steps
            )
        terms = self.terms(batch)
        loss = losses.total(
            terms.ldm, terms.prior, terms.similarity, training.prior_weight, self.data.kappa
        )
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.trainee.parameters, training.max_gradient_norm)
        # Asked before the update: the loss that shows it comes a step later, or never.
        if not bool(norm.isfinite()):
            raise ArithmeticError(f"the gradient is {norm.item()}")
        self.optimiser.step()
        if self.average:
            self.average.step(self.trainee.parameters)
        return terms

    def finish(self) -> None:
        """Leave the trained weights, or their average, in the model."""
        if self.average:
            self.average.copy_to(self.trainee.parameters)
        self.trainee.finish()

    def _predict(self, noisy: Tensor, times: Tensor, count: int) -> Tensor:
        prompts = [0] * count + [1] * (len(noisy) - count)  # instances first, then priors
        states = None if self.states is None else self.states[prompts]  # (N, L, D)
        predicted: Tensor = self.denoiser(noisy, times, self.data.tokens[prompts], states)
        return predicted

    def _similarity(self, batch: Batch, noisy: Tensor, predicted: Tensor) -> Tensor:
        assert self.data.features is not None
        count = len(batch.which[0])
        settings = self.recipe.similarity
        part = slice(0, count) if settings.images == "instance" else slice(count, None)
        making = Making(noisy[part], predicted[part], batch.times[part], *batch.which)
        return similarity_loss(
            self.model, self.robust, self.data.features, self.schedule, settings, making
        )


def finetune(
    model: BaseModel,
    robust: FeatureClassifier,
    training: TrainingSet,
    recipe: Recipe,
    seed: int,
    checkpoint: Path | None,
    team: Team | None = None,
) -> Iterator[StepLog]:
    """Train the model in place, a step a log (Eq. 6).

    Goes on from ``checkpoint`` where there is one: weights, optimiser, random state and step are
    restored exactly, so an interrupted run ends in the same bytes. With several processes the
    batch is shared out, and only the lead writes the checkpoint.
    """
    team = team or Team()
    settings = recipe.training
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    tuning = Finetuning(model, robust, training, recipe, team)
    trainee, optimiser, average = tuning.trainee, tuning.optimiser, tuning.average
    start = restore_checkpoint(checkpoint, trainee, optimiser, generator, average)
    if not team.same(start):
        raise UserError(
            f"{checkpoint}: not every process finds it; several machines need one shared folder"
        )
    prior = settings.prior_weight > 0
    for step in range(start, settings.steps):
        batch = draw(training, tuning.schedule, generator, settings.batch, prior=prior)
        try:
            terms = tuning.step(batch.share(team.rank, team.size), step)
        except ArithmeticError as error:
            raise _diverged(step, str(error)) from error
        yield _logged(step, terms, settings.prior_weight, training.kappa, team)
        # The last step's weights are saved as the result.
        due = (step + 1) % settings.checkpoint_every == 0 and step + 1 < settings.steps
        if due and checkpoint is not None and team.leads:
            save_checkpoint(checkpoint, trainee, optimiser, generator, step + 1, average)
    tuning.finish()


def _logged(step: int, terms: Terms, lam: float, kappa: float, team: Team) -> StepLog:
    """The step's losses over the team's whole batch; UserError where they are not finite."""
    parts = team.mean([terms.ldm.item(), terms.prior.item(), terms.similarity.item()])
    loss = parts[0] + lam * parts[1] + kappa * parts[2]
    if not math.isfinite(loss):
        raise _diverged(step, f"the loss is {loss}")
    return StepLog(step, loss, *parts)


def _diverged(step: int, what: str) -> UserError:
    return UserError(f"training diverged at step {step + 1} ({what}); lower training.learning_rate")
