"""Puts trained networks into the packages, as half-precision safetensors with their settings."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTokenizer

from .base_model import make_scheduler
from .classifiers import MEAN, STD, ClassifierRecipe, Normalised

ROOT = Path(__file__).parents[2]
WEIGHTS = Path("evaluators/spurbench_evaluators/loaders/micro/weights")
BASE = Path("builders/spurbench_builders/domains/micro/base")


def export_classifier(
    name: str,
    network: Normalised,
    recipe: ClassifierRecipe,
    labels: list[str],
    space: str,
    root: Path = ROOT,
) -> None:
    """weights/NAME/config.json and model.safetensors below the repository's root, or another one."""
    folder = root / WEIGHTS / name
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: _half(v) for k, v in network.network.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    config = {
        "family": recipe.family,
        "options": recipe.options,
        "size": 64,
        "mean": MEAN,
        "std": STD,
        "label_space": space,
        "labels": labels,
        "training": asdict(recipe),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def export_autoencoder(vae: AutoencoderKL, root: Path = ROOT) -> None:
    """The base model's part ``vae``."""
    copy.deepcopy(vae).half().save_pretrained(root / BASE / "vae", safe_serialization=True)


def exported_autoencoder(root: Path = ROOT) -> AutoencoderKL:
    """It again, rounded as it ships: what later stages see is what users have."""
    vae: AutoencoderKL = AutoencoderKL.from_pretrained(
        root / BASE / "vae", torch_dtype=torch.float32
    )
    return vae.eval()


def export_base(
    model: nn.ModuleDict, vae: AutoencoderKL, tokenizer: CLIPTokenizer, root: Path = ROOT
) -> None:
    """A folder that StableDiffusionPipeline.from_pretrained loads."""
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=model["text"],
        tokenizer=tokenizer,
        unet=model["unet"],
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16)
    # transformers loads weights in the type they are stored in, diffusers in float32: store the text
    # encoder's (rounded) weights as float32, so that the two fit together.
    pipeline.text_encoder.float()
    pipeline.save_pretrained(root / BASE, safe_serialization=True)


def _half(tensor: torch.Tensor) -> torch.Tensor:
    return (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
