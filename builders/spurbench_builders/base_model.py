"""A base model: the parts of a Stable Diffusion pipeline, loaded from a folder in diffusers' format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spurbench.contracts import Domain
from spurbench.errors import UserError
from spurbench.files import sha256_file, sha256_json


@dataclass
class BaseModel:
    """U-Net, autoencoder, text encoder (all torch modules), tokenizer and scheduler settings."""

    unet: nn.Module
    vae: Any
    text_encoder: nn.Module
    tokenizer: Any
    scheduler_config: dict[str, Any]

    def encode_prompts(self, prompts: list[str]) -> Tensor:
        """Text states (N, tokens, width) of prompts; a gradient reaches the text encoder."""
        tokens = self.tokenizer(
            prompts,
            padding="max_length",
            max_length=self.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        states: Tensor = self.text_encoder(tokens).last_hidden_state
        return states

    def encode_images(self, images: Tensor) -> Tensor:
        """Scaled latent means (N, 4, h, w) of pictures (N, 3, H, W) in [0, 1]."""
        posterior = self.vae.encode(images * 2 - 1).latent_dist
        latents: Tensor = posterior.mean * self.vae.config.scaling_factor
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Decoder output (N, 3, H, W), about [-1, 1], of scaled latents."""
        decoded: Tensor = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return decoded

    @property
    def picture_size(self) -> int:
        """Side in pixels of the pictures the U-Net was made for."""
        factor = 2 ** (len(self.vae.config.block_out_channels) - 1)
        config: Any = self.unet.config
        return int(config.sample_size * factor)

    def latent_shape(self) -> tuple[int, int, int]:
        """(channels, h, w) of one picture's latent."""
        config: Any = self.unet.config
        return int(config.in_channels), int(config.sample_size), int(config.sample_size)


def base_model_folder(base: str, domain: Domain) -> Path:
    """Where the recipe's base model lies: shipped with the domain, or a folder of the user's."""
    shipped = domain.base_model(base)
    if shipped is not None:
        return shipped
    folder = Path(base)
    if not (folder / "model_index.json").is_file():
        raise UserError(
            f"base model {base!r}: neither ships with domain {domain.name!r} nor is a folder in "
            "diffusers' pipeline format (no model_index.json)"
        )
    return folder


def load_base_model(folder: Path) -> BaseModel:
    """Load the parts in float32 from safetensors; nothing is fetched, no code is run from the folder."""
    try:
        return _load_parts(folder)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"base model {folder}: cannot be loaded: {reason}") from error


def _load_parts(folder: Path) -> BaseModel:
    from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    where: dict[str, Any] = {"local_files_only": True}
    safe: dict[str, Any] = {**where, "use_safetensors": True}
    plain: dict[str, Any] = {**safe, "low_cpu_mem_usage": False}  # True needs accelerate
    parts = BaseModel(
        unet=UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **plain),
        vae=AutoencoderKL.from_pretrained(folder, subfolder="vae", **plain),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", **safe),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer", **where),
        scheduler_config=dict(
            PNDMScheduler.from_pretrained(folder, subfolder="scheduler", **where).config
        ),
    )
    for module in (parts.unet, parts.vae, parts.text_encoder):
        module.float().eval().requires_grad_(False)
    return parts


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of a folder's files."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return sha256_json({p.relative_to(folder).as_posix(): sha256_file(p) for p in files})


def alphas_cumprod(scheduler_config: dict[str, Any]) -> Tensor:
    """abar_t (T,) of the pipeline's noise schedule."""
    from diffusers import DDPMScheduler

    abar: Tensor = DDPMScheduler.from_config(scheduler_config).alphas_cumprod
    return torch.as_tensor(abar, dtype=torch.float32)
