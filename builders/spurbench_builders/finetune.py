"""DreamBooth with prior preservation, a trainable text encoder and SFSL, as a generator."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from spurbench.contracts import FeatureClassifier
from spurbench.files import write_bytes

from . import losses
from .base_model import BaseModel, alphas_cumprod
from .recipe import Recipe

CHECKPOINT_EVERY = 40


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
    """Scaled latents of references and priors (R, C, h, w), their prompts, and psi_k of references.

    ``class_weight`` (D,) is w_k, row k of the robust network's last layer; ``kappa`` weighs SFSL.
    """

    references: Tensor
    priors: Tensor
    instance_prompt: str
    prior_prompt: str
    reference_features: Tensor
    class_weight: Tensor
    kappa: float


@torch.no_grad()
def training_set(
    model: BaseModel,
    robust: FeatureClassifier,
    label: int,
    references: Tensor,
    priors: Tensor,
    prompts: tuple[str, str],
    kappa: float,
) -> TrainingSet:
    """Compute once what every step needs; pictures are (N, 3, H, W) in [0, 1]."""
    weight = robust.head[0][label]
    inputs = resized(references, robust.transform.size)
    return TrainingSet(
        model.encode_images(references),
        model.encode_images(priors),
        *prompts,
        losses.class_features(robust.features(inputs), weight),
        weight,
        kappa,
    )


def resized(images: Tensor, size: int) -> Tensor:
    """Pictures (N, 3, H, W) at size x size, differentiably; unchanged where they fit already."""
    if images.shape[-2:] == (size, size):
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True)


def finetune(
    model: BaseModel,
    robust: FeatureClassifier,
    data: TrainingSet,
    recipe: Recipe,
    seed: int,
    checkpoint: Path,
) -> Iterator[StepLog]:
    """Train the U-Net (and text encoder) in place, a step a log (Eq. 6).

    Goes on from ``checkpoint`` where there is one: weights, optimiser and random state are
    restored exactly, so an interrupted run ends in the same bytes.
    """
    settings = recipe.training
    modules = [model.unet, *([model.text_encoder] if settings.train_text_encoder else [])]
    for module in modules:
        module.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(
        [p for module in modules for p in module.parameters()],
        lr=settings.learning_rate,
        betas=settings.betas,
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
    )
    generator = torch.Generator().manual_seed(seed)
    abar = alphas_cumprod(model.scheduler_config)
    torch.manual_seed(seed)
    start = _restore(checkpoint, model, optimiser, generator)
    for step in range(start, settings.steps):
        log = _step(model, robust, data, recipe, optimiser, generator, abar, step)
        if (step + 1) % CHECKPOINT_EVERY == 0 and step + 1 < settings.steps:
            _save(checkpoint, model, optimiser, generator, step + 1)
        yield log
    for module in modules:
        module.eval().requires_grad_(False)


def _step(
    model: BaseModel,
    robust: FeatureClassifier,
    data: TrainingSet,
    recipe: Recipe,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    abar: Tensor,
    step: int,
) -> StepLog:
    latents = torch.stack([_pick(data.references, generator), _pick(data.priors, generator)])
    noise = torch.randn(latents.shape, generator=generator)
    times = torch.randint(len(abar), (2,), generator=generator)
    a = abar[times].view(-1, 1, 1, 1)
    noisy = a.sqrt() * latents + (1 - a).sqrt() * noise
    states = model.encode_prompts([data.instance_prompt, data.prior_prompt])
    predicted = model.unet(noisy, times, states).sample
    ldm = losses.ldm_loss(predicted[:1], noise[:1])
    prior = losses.ldm_loss(predicted[1:], noise[1:])
    similarity = (
        _similarity(model, robust, data, recipe.similarity.reading, noisy, predicted, abar[times])
        if data.kappa
        else torch.zeros(())
    )
    loss = losses.total(ldm, prior, similarity, recipe.training.prior_weight, data.kappa)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimiser.step()
    return StepLog(step, loss.item(), ldm.item(), prior.item(), similarity.item())


def _similarity(
    model: BaseModel,
    robust: FeatureClassifier,
    data: TrainingSet,
    reading: str,
    noisy: Tensor,
    predicted: Tensor,
    abar: Tensor,
) -> Tensor:
    """SFSL of the instance picture that the model is making: decode its x0 estimate, take psi_k."""
    estimate = losses.clean_latents(noisy[:1], predicted[:1], abar[:1])
    image = losses.to_unit_range(model.decode(estimate))
    inputs = resized(image, robust.transform.size)
    made = losses.class_features(robust.features(inputs), data.class_weight)
    return losses.READINGS[reading](made, data.reference_features, abar[:1])


def _pick(latents: Tensor, generator: torch.Generator) -> Tensor:
    return latents[int(torch.randint(len(latents), (1,), generator=generator))]


def trained_state(model: BaseModel) -> dict[str, Tensor]:
    """Weights of U-Net and text encoder, by module and name."""
    parts = {"unet": model.unet, "text_encoder": model.text_encoder}
    return {f"{part}.{k}": v for part, m in parts.items() for k, v in m.state_dict().items()}


def load_trained_state(model: BaseModel, state: dict[str, Tensor]) -> None:
    """Put weights from trained_state back, strictly."""
    for part, module in (("unet", model.unet), ("text_encoder", model.text_encoder)):
        prefix = f"{part}."
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )


def _save(
    path: Path,
    model: BaseModel,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    step: int,
) -> None:
    buffer = io.BytesIO()
    torch.save(
        {
            "weights": trained_state(model),
            "optimiser": optimiser.state_dict(),
            "generator": generator.get_state(),
            "global": torch.get_rng_state(),
            "step": step,
        },
        buffer,
    )
    write_bytes(path, buffer.getvalue())


def _restore(
    path: Path, model: BaseModel, optimiser: torch.optim.Optimizer, generator: torch.Generator
) -> int:
    if not path.exists():
        return 0
    state = cast(dict[str, Any], torch.load(path, weights_only=True))
    load_trained_state(model, state["weights"])
    optimiser.load_state_dict(state["optimiser"])
    generator.set_state(state["generator"])
    torch.set_rng_state(state["global"])
    return int(state["step"])
