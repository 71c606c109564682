"""DreamBooth with prior preservation, a trainable text encoder and SFSL, as a generator."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from spurbench.contracts import FeatureClassifier
from spurbench.errors import UserError
from spurbench.files import whole_file
from spurbench_builders.models.base import BaseModel
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team

from . import losses
from .schedule import Schedule, schedule_of
from .similarity import Anchors, Making, anchors, similarity_loss
from .trainables import Trainee


@dataclass(frozen=True)
class StepLog:
    """One training step's losses; ``similarity`` is 0 where the recipe's weight is."""

    step: int
    loss: float
    ldm: float
    prior: float
    similarity: float


@dataclass(frozen=True)
class TrainingSet:
    """Scaled latents of references and priors (R or P, C, h, w), the token ids (2, L) of instance
    and prior prompt, psi_k of both, and ``kappa``, which weighs SFSL."""

    references: Tensor
    priors: Tensor
    tokens: Tensor
    words: tuple[str, str]
    features: Anchors | None
    kappa: float


@torch.no_grad()
def training_set(
    model: BaseModel,
    robust: FeatureClassifier,
    label: int,
    references: Tensor,
    priors: Tensor,
    prompts: tuple[str, str],
    words: tuple[str, str],
    kappa: float,
) -> TrainingSet:
    """Compute once what every step needs; pictures are (N, 3, H, W) in [0, 1], ``words`` the
    identifier and the noun."""
    references, priors = references.to(model.device), priors.to(model.device)
    return TrainingSet(
        model.encode_images(references),
        model.encode_images(priors),
        model.tokens(list(prompts)),
        words,
        anchors(robust, label, references, priors) if kappa else None,
        kappa,
    )


@dataclass(frozen=True)
class Batch:
    """A step's draw: B instance pictures, then B priors unless the prior's weight is 0. ``latents``
    and ``noise`` (N, C, h, w), ``times`` (N,), ``which`` the B references and B priors drawn."""

    latents: Tensor
    noise: Tensor
    times: Tensor
    which: tuple[Tensor, Tensor]

    def share(self, rank: int, size: int) -> Batch:
        """Every ``size``-th picture of each half, from ``rank``: one process's part."""
        half = len(self.which[0])
        kept = [i for i in range(len(self.times)) if i % half % size == rank]
        drawn = (self.which[0][rank::size], self.which[1][rank::size])
        return Batch(self.latents[kept], self.noise[kept], self.times[kept], drawn)


def draw(
    data: TrainingSet, schedule: Schedule, generator: torch.Generator, batch: int, *, prior: bool
) -> Batch:
    """Draw a global batch on the CPU, the same in every process whatever their number."""
    which = tuple(
        torch.cat([torch.randint(len(of), (1,), generator=generator) for _ in range(batch)])
        for of in (data.references, data.priors)
    )
    halves = [data.references[which[0]], data.priors[which[1]]][: 2 if prior else 1]
    latents = torch.cat(halves)
    noise = torch.randn(latents.shape, generator=generator)
    times = torch.randint(len(schedule), (len(latents),), generator=generator)
    device = latents.device
    return Batch(latents, noise.to(device), times.to(device), (which[0], which[1]))


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
        data: TrainingSet,
        recipe: Recipe,
        team: Team,
    ) -> None:
        self.model, self.robust, self.data, self.recipe = model, robust, data, recipe
        self.schedule = schedule_of(model.scheduler_config).to(model.device)
        self.trainee = Trainee(model, recipe.training, data.words)
        self.optimiser = self.trainee.optimiser()
        self.denoiser = team.parallel(self.trainee.denoiser)
        with torch.no_grad():
            self.states = None if self.trainee.reads_text_afresh else model.states(data.tokens)

    def terms(self, batch: Batch) -> Terms:
        """Eq. 1, 2 and 5 of a batch."""
        count = len(batch.which[0])
        noisy = self.schedule.noisy(batch.latents, batch.noise, batch.times)
        target = self.schedule.target(batch.latents, batch.noise, batch.times)
        with torch.autocast(
            noisy.device.type, torch.bfloat16, enabled=self.recipe.training.precision == "bf16"
        ):
            predicted = self._predict(noisy, batch.times, count)
        zero = torch.zeros((), device=noisy.device)
        has_prior = len(noisy) > count
        return Terms(
            losses.ldm_loss(predicted[:count], target[:count]),
            losses.ldm_loss(predicted[count:], target[count:]) if has_prior else zero,
            self._similarity(batch, noisy, predicted) if self.data.kappa else zero,
        )

    def step(self, batch: Batch) -> Terms:
        """One update of the weights."""
        training = self.recipe.training
        terms = self.terms(batch)
        loss = losses.total(
            terms.ldm, terms.prior, terms.similarity, training.prior_weight, self.data.kappa
        )
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.trainee.parameters, training.max_gradient_norm)
        self.optimiser.step()
        return terms

    def _predict(self, noisy: Tensor, times: Tensor, count: int) -> Tensor:
        prompts = [0] * count + [1] * (len(noisy) - count)
        states = None if self.states is None else self.states[prompts]
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
    data: TrainingSet,
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
    tuning = Finetuning(model, robust, data, recipe, team)
    start = _restore(checkpoint, tuning, generator)
    if not team.same(start):
        raise UserError(
            f"{checkpoint}: not every process finds it; several machines need one shared folder"
        )
    prior = settings.prior_weight > 0
    for step in range(start, settings.steps):
        batch = draw(data, tuning.schedule, generator, settings.batch, prior=prior)
        terms = tuning.step(batch.share(team.rank, team.size))
        parts = team.mean([terms.ldm.item(), terms.prior.item(), terms.similarity.item()])
        loss = parts[0] + settings.prior_weight * parts[1] + data.kappa * parts[2]
        if not math.isfinite(loss):
            raise UserError(
                f"training diverged at step {step + 1} (the loss is {loss}); lower training.learning_rate"
            )
        yield StepLog(step, loss, *parts)
        due = (step + 1) % settings.checkpoint_every == 0 and step + 1 < settings.steps
        if due and checkpoint is not None and team.leads:
            _save(checkpoint, tuning, generator, step + 1)
    tuning.trainee.finish()


def trained_state(model: BaseModel) -> dict[str, Tensor]:
    """Weights of U-Net and text encoder, by module and name."""
    parts = {"unet": model.unet, "text_encoder": model.text_encoder}
    return {
        f"{part}.{k}": v.contiguous()
        for part, m in parts.items()
        for k, v in m.state_dict().items()
    }


def load_trained_state(model: BaseModel, state: dict[str, Tensor]) -> None:
    """Put weights from trained_state back, strictly."""
    for part, module in (("unet", model.unet), ("text_encoder", model.text_encoder)):
        prefix = f"{part}."
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )


def _save(path: Path, tuning: Finetuning, generator: torch.Generator, step: int) -> None:
    state = {
        "weights": {n: p.detach() for n, p in tuning.trainee.named_parameters().items()},
        "optimiser": tuning.optimiser.state_dict(),
        "generator": generator.get_state(),
        "global": torch.get_rng_state(),
        "step": step,
    }
    try:
        with whole_file(path) as file:  # streamed: at SD's size this is 12 GB
            torch.save(state, file)
    except RuntimeError as error:  # torch hides a full disk behind its own complaint
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def _restore(path: Path | None, tuning: Finetuning, generator: torch.Generator) -> int:
    if path is None or not path.exists():
        return 0
    state = cast(
        dict[str, Any], torch.load(path, weights_only=True, map_location=tuning.model.device)
    )
    with torch.no_grad():
        for name, parameter in tuning.trainee.named_parameters().items():
            parameter.copy_(state["weights"][name])
    tuning.optimiser.load_state_dict(state["optimiser"])
    generator.set_state(state["generator"].cpu())
    torch.set_rng_state(state["global"].cpu())
    return int(state["step"])
