"""Seeded sampling with classifier-free guidance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from spurbench.dataset.schema import SEEDS_APART
from spurbench_builders.models.base import BaseModel
from spurbench_builders.recipes.model import Sampling

from .losses import to_unit_range


def picture_seed(seed: int, index: int) -> int:
    """Seed of picture ``index`` of a build; the same for every class, as in the paper."""
    return seed * SEEDS_APART + index


@torch.inference_mode()
def sample(
    model: BaseModel, prompt: str, seeds: Sequence[int], settings: Sampling
) -> Iterator[list[Image.Image]]:
    """Yield batches of pictures for the seeds, in order; each seed has its own CPU generator."""
    from diffusers import PNDMScheduler

    text = model.states(model.tokens(["", prompt]))  # (2, L, D)
    for start in range(0, len(seeds), settings.batch):
        part = seeds[start : start + settings.batch]
        # A scheduler a batch: PNDM is a multistep method and remembers the batch before.
        scheduler = PNDMScheduler.from_config(model.scheduler_config)
        scheduler.set_timesteps(settings.steps, device=model.device)
        latents = first_latents(part, model.latent_shape()).to(model.device)  # (N, C, h, w)
        latents = latents * scheduler.init_noise_sigma
        states = text.repeat_interleave(len(part), dim=0)  # (2 N, L, D): without, then with prompt
        for time in scheduler.timesteps:
            both = scheduler.scale_model_input(torch.cat([latents, latents]), time)
            with torch.autocast(
                latents.device.type, torch.bfloat16, enabled=settings.precision == "bf16"
            ):
                predicted = model.unet(both, time, states).sample
            free, guided = predicted.float().chunk(2)  # (N, C, h, w) each
            # Classifier-free guidance (Ho and Salimans, 2022), as the pipelines weigh it.
            guess = free + settings.guidance * (guided - free)
            latents = scheduler.step(guess, time, latents).prev_sample
        yield to_pictures(to_unit_range(model.decode(latents)))


def first_latents(seeds: Sequence[int], shape: tuple[int, int, int]) -> Tensor:
    """Standard normal latents (N, C, h, w), one CPU generator a seed.

    On the CPU, since a CUDA generator's noise differs from card to card.
    """
    return torch.stack(
        [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )


def to_pictures(images: Tensor) -> list[Image.Image]:
    """(N, 3, H, W) in [0, 1] to 8-bit RGB pictures."""
    pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(np.ascontiguousarray(p)) for p in pixels]
