"""The micro base model: a latent text-to-image diffusion model of Stable Diffusion's parts."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDPMScheduler, PNDMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTokenizer

from .autoencoder import LATENT_CHANNELS
from .data import Split
from .loop import train
from .text import caption, make_text_encoder, save_tokenizer

STEPS, BATCH, RATE, SEED = 8_000, 32, 8e-4, 21
SHARES = {"objects": 12, "companions": 8}
"""How many pictures of a batch are of these splits; the others are of any scene. Left to the world's
mixture, the model draws companions long before objects, and few pictures show a companion alone."""
GAMMA = 5.0
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
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
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
    """Scaled latent means and deviations (N, C, 16, 16) of a split."""
    means, deviations = [], []
    for i in range(0, len(split.images), 100):
        posterior = vae.encode(split.floats(slice(i, i + 100)) * 2 - 1).latent_dist
        means.append(posterior.mean)
        deviations.append(posterior.std)
    scale = vae.config.scaling_factor
    return torch.cat(means) * scale, torch.cat(deviations) * scale


def train_base(
    vae: AutoencoderKL, general: list[Split], special: dict[str, Split], work: Path
) -> tuple[nn.ModuleDict, CLIPTokenizer]:
    """Train U-Net and text encoder together on Eq. 1 of the paper, each step weighed by min-SNR
    (Hang et al., 2023). ``special`` has a split for each of SHARES."""
    torch.manual_seed(SEED)
    tokenizer = save_tokenizer(work / "tokenizer")
    model = nn.ModuleDict({"unet": make_unet(), "text": make_text_encoder(tokenizer)})
    splits = [*general, *(special[name] for name in SHARES)]
    means, deviations = cached_latents(vae, splits, work / "latents.pt")
    shown = [record for split in splits for record in split.shown]
    sizes = [sum(len(split.images) for split in general)]
    sizes += [len(special[name].images) for name in SHARES]
    counts = [BATCH - sum(SHARES.values()), *SHARES.values()]
    noiser = DDPMScheduler(**SCHEDULE)
    weights = min_snr(noiser.alphas_cumprod)

    def loss(generator: torch.Generator, step: int) -> Tensor:
        index = drawn(sizes, counts, generator)
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
        errors = (model["unet"](noisy, times, states).sample - noise).square().mean(dim=(1, 2, 3))
        value: Tensor = (weights[times] * errors).mean()
        return value

    train(
        "base",
        model,
        loss,
        steps=STEPS,
        rate=RATE,
        work=work,
        seed=SEED,
        weight_decay=0.01,
        average=0.9995,
    )
    return model, tokenizer


def drawn(sizes: list[int], counts: list[int], generator: torch.Generator) -> Tensor:
    """Indices (n,) into parts that lie one after the other: so many of each."""
    parts, first = [], 0
    for size, count in zip(sizes, counts, strict=True):
        parts.append(first + torch.randint(size, (count,), generator=generator))
        first += size
    return torch.cat(parts)


def min_snr(alphas_cumprod: Tensor) -> Tensor:
    """Weights (T,) of the squared error of the noise: min(SNR, GAMMA) / SNR."""
    snr = alphas_cumprod / (1 - alphas_cumprod)
    return snr.clamp(max=GAMMA) / snr


def cached_latents(vae: AutoencoderKL, splits: list[Split], path: Path) -> tuple[Tensor, Tensor]:
    """Latents of all splits, one after the other, from the work folder or computed now."""
    if not path.exists():
        parts = [encode_latents(vae, split) for split in splits]
        torch.save([torch.cat([p[i] for p in parts]) for i in (0, 1)], path)
    means, deviations = torch.load(path, weights_only=True)
    return means, deviations
