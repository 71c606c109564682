"""The noise schedule of a base model: noising, the network's target, and the clean estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from spurbench.errors import UserError

PREDICTIONS = ("epsilon", "v_prediction")
BETAS = ("linear", "scaled_linear", "squaredcos_cap_v2", "laplace", "sigmoid")
SMALLEST_ABAR = 1e-4


@dataclass(frozen=True)
class Schedule:
    """diffusers' DDPMScheduler, whose abar_t (T,) lie in [0, 1], and whether the network predicts
    noise (``epsilon``, SD 1.x) or velocity (``v_prediction``, SD 2.x)."""

    scheduler: Any
    prediction: str

    @property
    def abar(self) -> Tensor:
        """abar_t, (T,): the share of the signal's variance that is left at step t."""
        abar: Tensor = self.scheduler.alphas_cumprod
        return abar

    def __len__(self) -> int:
        return len(self.abar)

    def noisy(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """z_t = sqrt(abar_t) z + sqrt(1 - abar_t) eps; latents and noise (N, C, h, w), times (N,)."""
        noisy: Tensor = self.scheduler.add_noise(latents, noise, times)
        return noisy

    def target(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """What the network should predict: eps, or v = sqrt(abar) eps - sqrt(1 - abar) z
        (Salimans and Ho, 2022)."""
        if self.prediction == "epsilon":
            return noise
        velocity: Tensor = self.scheduler.get_velocity(latents, noise, times)
        return velocity

    def clean(self, noisy: Tensor, predicted: Tensor, times: Tensor) -> Tensor:
        """The clean latent that a prediction implies, in float32 at least.

        z0 = (z_t - sqrt(1 - abar_t) eps) / sqrt(abar_t) (Ho et al., 2020, Eq. 15), or
        z0 = sqrt(abar_t) z_t - sqrt(1 - abar_t) v. abar is held above 1e-4 in the division, so
        that a schedule which ends in pure noise gives no infinity.
        """
        # Our own: the scheduler estimates it for one step of a whole batch only, as it samples.
        a = self.abar[times].view(-1, 1, 1, 1)  # (N, 1, 1, 1)
        signal, spread = a.sqrt(), (1 - a).sqrt()
        wide = torch.promote_types(predicted.dtype, torch.float32)
        noisy, predicted = noisy.to(wide), predicted.to(wide)
        if self.prediction == "epsilon":
            return (noisy - spread * predicted) / signal.clamp_min(SMALLEST_ABAR**0.5)
        return signal * noisy - spread * predicted

    def to(self, device: torch.device) -> Schedule:
        """The same with abar there."""
        self.scheduler.alphas_cumprod = self.abar.to(device)
        return self


def schedule_of(scheduler_config: dict[str, Any]) -> Schedule:
    """The schedule that a pipeline's scheduler settings describe."""
    from diffusers import DDPMScheduler

    prediction = str(scheduler_config.get("prediction_type", "epsilon"))
    if prediction not in PREDICTIONS:
        raise UserError(
            f"base model: its scheduler's prediction_type is {prediction!r}; "
            f"known: {', '.join(PREDICTIONS)}"
        )
    try:
        scheduler = DDPMScheduler.from_config(scheduler_config)
    except NotImplementedError as error:  # all that diffusers says of betas that it does not know
        named = scheduler_config.get("beta_schedule")
        raise UserError(
            f"base model: its scheduler's beta_schedule is {named!r}, which diffusers does not know; "
            f"known: {', '.join(BETAS)}"
        ) from error
    return Schedule(scheduler, prediction)
