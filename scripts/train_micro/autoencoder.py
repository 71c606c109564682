"""The base model's KL autoencoder: 64x64 pictures to 16x16x4 latents."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from .data import Split
from .loop import train

STEPS, BATCH, RATE, SEED = 10_800, 8, 2e-3, 11
LATENT_CHANNELS = 8
"""Twice Stable Diffusion's: with four, 64 pixels' worth of edges do not fit through."""
KL_WEIGHT, SQUARE_WEIGHT = 1e-5, 20.0


def make_autoencoder() -> AutoencoderKL:
    torch.manual_seed(SEED)
    return AutoencoderKL(
        block_out_channels=(16, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
    )


def _edges(images: Tensor) -> Tensor:
    return torch.cat(
        [
            (images[..., 1:, :] - images[..., :-1, :]).flatten(1),
            (images[..., :, 1:] - images[..., :, :-1]).flatten(1),
        ],
        dim=1,
    )


def train_autoencoder(split: Split, work: Path) -> AutoencoderKL:
    """Train on L1 and squares of pixels, L1 of their differences and the KL term; set the latent scale."""
    model = make_autoencoder()

    def loss(generator: torch.Generator, step: int) -> Tensor:
        index = torch.randint(len(split.images), (BATCH,), generator=generator)
        images = split.floats(index) * 2 - 1
        posterior = model.encode(images).latent_dist
        mean, logvar = posterior.mean, posterior.logvar
        noise = torch.randn(mean.shape, generator=generator)
        output = model.decode(mean + noise * (0.5 * logvar).exp()).sample
        kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
        pixels = F.l1_loss(output, images) + SQUARE_WEIGHT * F.mse_loss(output, images)
        value: Tensor = pixels + F.l1_loss(_edges(output), _edges(images)) + KL_WEIGHT * kl
        return value

    train(
        "autoencoder",
        model,
        loss,
        steps=STEPS,
        rate=RATE,
        work=work,
        seed=SEED,
        weight_decay=0.0,
        average=0.995,
    )
    with torch.no_grad():
        sample = model.encode(split.floats(slice(0, 512)) * 2 - 1).latent_dist.mean
    model.register_to_config(scaling_factor=round(1 / float(sample.std()), 4))
    return model


@torch.no_grad()
def psnr(model: AutoencoderKL, images: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of reconstructions of images in [0, 1]."""
    output = model.decode(model.encode(images * 2 - 1).latent_dist.mean).sample
    error = F.mse_loss((output / 2 + 0.5).clamp(0, 1), images)
    return float(-10 * error.log10())
