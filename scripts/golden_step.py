"""Makes tests/data/golden/*.safetensors: two DreamBooth steps as diffusers' own parts compute them.

python -m scripts.golden_step

The steps are those of diffusers' example train_dreambooth.py with prior preservation and a trainable
text encoder (Eq. 1 to 3): DDPMScheduler.add_noise and get_velocity, the mean squared errors of the
instance half and of the prior half of a batch, clipping, AdamW. Nothing of spurbench takes part; the
pipeline is tests/builders/tiny_pipeline.py with weights by formula (tests/builders/formula.py).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from tests.builders.formula import filled
from tests.builders.tiny_pipeline import make_pipeline

HERE = Path(__file__).parents[1] / "tests" / "data" / "golden"
PROMPTS = ["a photo of a sks flower", "a photo of a flower"]
PRIOR_WEIGHT, MAX_NORM = 0.7, 0.05
ADAMW: dict[str, Any] = {"lr": 3e-4, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.3}
TIMES = ([20, 700, 350, 900], [810, 5, 640, 130])
WATCHED = (
    "unet.conv_in.bias",
    "unet.conv_out.weight",
    "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight",
    "unet.time_embedding.linear_1.bias",
    "text_encoder.final_layer_norm.weight",
    "text_encoder.encoder.layers.0.self_attn.q_proj.weight",
    "text_encoder.encoder.layers.1.mlp.fc2.bias",
)
"""Whose gradients and trained values are recorded in full; of every other, the gradient's norm."""


def drawn(step: int) -> dict[str, Tensor]:
    """Two instance and two prior latents, a noise and a time for each."""
    generator = torch.Generator().manual_seed(step)
    shape = (4, 4, 8, 8)
    return {
        "latents": torch.randn(shape, generator=generator),
        "noise": torch.randn(shape, generator=generator),
        "times": torch.tensor(TIMES[step]),
    }


def losses(
    unet: Any, text: Any, scheduler: Any, tokens: Tensor, batch: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """The instance half's and the prior half's mean squared errors."""
    latents, noise, times = batch["latents"], batch["noise"], batch["times"]
    noisy = scheduler.add_noise(latents, noise, times)
    states = text(tokens.repeat_interleave(2, dim=0))[0]
    predicted = unet(noisy, times, states).sample
    if scheduler.config.prediction_type == "v_prediction":
        target = scheduler.get_velocity(latents, noise, times)
    else:
        target = noise
    (predicted, predicted_prior), (target, target_prior) = predicted.chunk(2), target.chunk(2)
    return F.mse_loss(predicted, target), F.mse_loss(predicted_prior, target_prior)


def gradient_norms(named: dict[str, Any]) -> Tensor:
    """The Euclidean norm of each parameter's gradient, by name; -1 for one without."""
    norms = [-1 if named[n].grad is None else float(named[n].grad.norm()) for n in sorted(named)]
    return torch.tensor(norms)


def plain_names(parts: dict[str, Any]) -> dict[str, Any]:
    """The parts' parameters by part and name; transformers left out "text_model." in version 5."""
    return {
        f"{part}.{name}".replace(".text_model.", "."): parameter
        for part, module in parts.items()
        for name, parameter in module.named_parameters()
    }


def main() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    for prediction in ("epsilon", "v_prediction"):
        with tempfile.TemporaryDirectory() as folder:
            record = two_steps(make_pipeline(Path(folder), prediction, safety=False))
        save_file(record, HERE / f"dreambooth-{prediction}.safetensors")


def two_steps(folder: Path) -> dict[str, Tensor]:
    """Draws, losses and gradients of two steps, and the watched weights after them."""
    unet = filled(UNet2DConditionModel.from_pretrained(folder, subfolder="unet"))
    text = filled(CLIPTextModel.from_pretrained(folder / "text_encoder"))
    scheduler = DDPMScheduler.from_pretrained(folder, subfolder="scheduler")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    tokens = tokenizer(PROMPTS, padding="max_length", max_length=16, return_tensors="pt").input_ids
    named = plain_names({"unet": unet, "text_encoder": text})
    for module in (unet, text):
        module.train()
    optimiser = torch.optim.AdamW(named.values(), **ADAMW)
    record: dict[str, Tensor] = {"tokens": tokens}
    for step in range(len(TIMES)):
        batch = drawn(step)
        instance, prior = losses(unet, text, scheduler, tokens, batch)
        optimiser.zero_grad()
        (instance + PRIOR_WEIGHT * prior).backward()  # type: ignore[no-untyped-call]
        record |= {f"{step}.{name}": value for name, value in batch.items()}
        record[f"{step}.losses"] = torch.stack([instance, prior]).detach()
        record[f"{step}.norms"] = gradient_norms(named)
        for name in WATCHED:
            record[f"{step}.gradient.{name}"] = named[name].grad.clone()
        torch.nn.utils.clip_grad_norm_(named.values(), MAX_NORM)
        optimiser.step()
    for name in WATCHED:
        record[f"after.{name}"] = named[name].detach().clone()
    return record


if __name__ == "__main__":
    main()
