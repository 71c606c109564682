"""The micro base model: a latent text-to-image diffusion model of Stable Diffusion's parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, PNDMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTokenizer

from .data import Split
from .loop import train
from .text import caption, make_text_encoder, save_tokenizer

BATCH, SEED = 32, 21


@dataclass(frozen=True)
class Phase:
    """A stretch of training; from step ``focus_from`` on, ``focus`` pictures of each batch are of
    large objects. Scenes and companions are learnt first, objects need more."""

    name: str
    steps: int
    rate: float
    focus: int
    focus_from: int


PHASES = (
    Phase("base", 4_200, 8e-4, BATCH // 2, 2_200),
    Phase("base-objects", 1_800, 5e-4, 2 * BATCH // 3, 0),
)
SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
}


def make_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(48, 96),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def make_scheduler() -> PNDMScheduler:
    """The sampler with Stable Diffusion 1.x's settings."""
    return PNDMScheduler(**SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False)


@torch.no_grad()
def encode_latents(vae: AutoencoderKL, split: Split) -> tuple[Tensor, Tensor]:
    """Scaled latent means and deviations (N, 4, 16, 16) of a split."""
    means, deviations = [], []
    for i in range(0, len(split.images), 100):
        posterior = vae.encode(split.floats(slice(i, i + 100)) * 2 - 1).latent_dist
        means.append(posterior.mean)
        deviations.append(posterior.std)
    scale = vae.config.scaling_factor
    return torch.cat(means) * scale, torch.cat(deviations) * scale


def train_base(
    vae: AutoencoderKL, splits: list[Split], work: Path
) -> tuple[nn.ModuleDict, CLIPTokenizer]:
    """Train U-Net and text encoder together on Eq. 1 of the paper, a phase after the other.

    The last split holds large objects.
    """
    torch.manual_seed(SEED)
    tokenizer = save_tokenizer(work / "tokenizer")
    model = nn.ModuleDict({"unet": make_unet(), "text": make_text_encoder(tokenizer)})
    means, deviations = cached_latents(vae, splits, work / "latents.pt")
    shown = [record for split in splits for record in split.shown]
    objects = len(splits[-1].images)
    noiser = DDPMScheduler(**SCHEDULE)

    def loss(phase: Phase, generator: torch.Generator, step: int) -> Tensor:
        index = torch.randint(len(means) - objects, (BATCH,), generator=generator)
        if step >= phase.focus_from:
            focus = torch.randint(objects, (phase.focus,), generator=generator)
            index[: phase.focus] = len(means) - objects + focus
        captions = [caption(shown[i], generator) for i in index.tolist()]
        tokens = tokenizer(
            captions,
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        latents = means[index]
        latents = latents + deviations[index] * torch.randn(latents.shape, generator=generator)
        noise = torch.randn(latents.shape, generator=generator)
        times = torch.randint(1000, (BATCH,), generator=generator)
        noisy = noiser.add_noise(latents, noise, times)
        states = model["text"](tokens).last_hidden_state
        return F.mse_loss(model["unet"](noisy, times, states).sample, noise)

    for phase in PHASES:
        train(
            phase.name,
            model,
            partial(loss, phase),
            steps=phase.steps,
            rate=phase.rate,
            work=work,
            seed=SEED,
            weight_decay=0.01,
            average=0.999,
        )
    return model, tokenizer


def cached_latents(vae: AutoencoderKL, splits: list[Split], path: Path) -> tuple[Tensor, Tensor]:
    """Latents of all splits, one after the other, from the work folder or computed now."""
    if not path.exists():
        parts = [encode_latents(vae, split) for split in splits]
        torch.save([torch.cat([p[i] for p in parts]) for i in (0, 1)], path)
    means, deviations = torch.load(path, weights_only=True)
    return means, deviations
