"""A base model: the parts of a Stable Diffusion pipeline, loaded from a folder in diffusers' format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spurbench.errors import UserError
from spurbench.files import sha256_file, sha256_json
from spurbench.reading import read_json, why

from .where import PARTS, SAFETY


@dataclass
class BaseModel:
    """U-Net, autoencoder, text encoder (all torch modules), tokenizer and scheduler settings."""

    unet: nn.Module
    vae: Any
    text_encoder: nn.Module
    tokenizer: Any
    scheduler_config: dict[str, Any]

    @property
    def device(self) -> torch.device:
        return next(self.unet.parameters()).device

    def to(self, device: torch.device) -> BaseModel:
        """The same model, its modules moved."""
        for module in (self.unet, self.vae, self.text_encoder):
            module.to(device)
        return self

    def tokens(self, prompts: Sequence[str]) -> Tensor:
        """Token ids (N, L) of prompts, padded and cut to the text encoder's length."""
        ids: Tensor = self.tokenizer(
            list(prompts),
            padding="max_length",
            max_length=self.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        return ids.to(self.device)

    def word_tokens(self, word: str) -> list[int]:
        """Token ids of a word alone."""
        ids: list[int] = self.tokenizer(word, add_special_tokens=False).input_ids
        return ids

    def states(self, tokens: Tensor) -> Tensor:
        """Text states (N, L, D) of token ids; a gradient reaches the text encoder."""
        states: Tensor = self.text_encoder(tokens).last_hidden_state  # (N, L, D)
        return states

    def encode_images(self, images: Tensor) -> Tensor:
        """Scaled latent means (N, C, h, w) of pictures (N, 3, H, W) in [0, 1], one at a time: the
        encoder's memory grows with its batch."""
        means = [self.vae.encode(i[None] * 2 - 1).latent_dist.mean for i in images]  # (1, C, h, w)
        latents: Tensor = torch.cat(means) * self.vae.config.scaling_factor  # (N, C, h, w)
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Decoder output (N, 3, H, W), about [-1, 1], of scaled latents."""
        decoded: Tensor = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return decoded

    @property
    def latent_factor(self) -> int:
        """Pixels a side of a latent's cell."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def picture_size(self) -> int:
        """Side in pixels of the pictures the U-Net was made for."""
        config: Any = self.unet.config
        return int(config.sample_size) * self.latent_factor

    def latent_shape(self) -> tuple[int, int, int]:
        """(channels, h, w) of one picture's latent."""
        config: Any = self.unet.config
        return int(config.in_channels), int(config.sample_size), int(config.sample_size)


def check_base_model(folder: Path) -> dict[str, Any]:
    """Its scheduler's settings; UserError where a part is missing, or its scheduler or safety checker
    cannot be used."""
    has_checker = (folder / "safety_checker" / "config.json").is_file()
    for part in (*PARTS, *(SAFETY if has_checker else ())):
        if not any((folder / part).glob("*.json")):
            raise UserError(f"base model {folder}: has no folder {part} with settings in it")
    if has_checker and not any((folder / "safety_checker").glob("*.safetensors")):
        raise UserError(
            f"base model {folder}: its safety_checker is not stored as safetensors; convert or remove it"
        )
    path = folder / "scheduler" / "scheduler_config.json"
    settings = read_json(path)
    if not isinstance(settings, dict):
        raise UserError(f"{path}: not the settings of a scheduler")
    if settings.get("rescale_betas_zero_snr"):
        raise UserError(f"base model {folder}: rescale_betas_zero_snr is not supported")
    return settings


def load_base_model(folder: Path) -> BaseModel:
    """Load the parts in float32 from safetensors; nothing is fetched, no code is run from the folder."""
    try:
        return _load_parts(folder)
    except Exception as error:  # whatever broken settings or weights make the libraries raise
        raise UserError(f"base model {folder}: cannot be loaded ({why(error)})") from error


def _load_parts(folder: Path) -> BaseModel:
    from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    where: dict[str, Any] = {"local_files_only": True}
    safe: dict[str, Any] = {**where, "use_safetensors": True}
    # As torch loads: accelerate's way would leave a weight that the file lacks on the meta device.
    plain: dict[str, Any] = {**safe, "low_cpu_mem_usage": False}
    parts = BaseModel(
        unet=UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **plain),
        vae=AutoencoderKL.from_pretrained(folder, subfolder="vae", **plain),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", **safe),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer", **where),
        # SD's pipelines skip PNDM's warm-up steps; a config saved by another scheduler is silent.
        scheduler_config={
            "skip_prk_steps": True,
            **PNDMScheduler.load_config(folder, subfolder="scheduler", **where),
        },
    )
    for module in (parts.unet, parts.vae, parts.text_encoder):
        module.float().eval().requires_grad_(False)
    parts.vae.to(memory_format=torch.channels_last)  # decodes about a tenth faster on a CPU
    return parts


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of the pipeline's parts, safety checker included."""
    files = sorted(
        p for part in (*PARTS, *SAFETY) for p in (folder / part).rglob("*") if p.is_file()
    )
    return sha256_json({p.relative_to(folder).as_posix(): sha256_file(p) for p in files})
