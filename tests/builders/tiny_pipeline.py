"""A pipeline with Stable Diffusion's component classes and config keys, random and small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

WORDS = ("a", "photo", "of", "sks", "flower", "leaves", "on", "the", "beach")


def make_pipeline(folder: Path, prediction: str = "epsilon", *, safety: bool = True) -> Path:
    """Save a pipeline for pictures of 64 x 64: latents 8 x 8, four resolutions as in SD 1.x; with
    ``v_prediction`` and a linear projection in the U-Net's attention as in SD 2.x."""
    torch.manual_seed(0)
    down = ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",)
    up = ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3)
    is_v2 = prediction == "v_prediction"
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=down,
        up_block_types=up,
        cross_attention_dim=32,
        attention_head_dim=[4, 4, 4, 4] if is_v2 else 4,
        use_linear_projection=is_v2,
    )
    vae = AutoencoderKL(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        layers_per_block=1,
        sample_size=64,
        scaling_factor=0.18215,
    )
    tokenizer = CLIPTokenizer.from_pretrained(_vocabulary(folder / "tokenizer"))
    parts: dict[str, Any] = {
        "unet": unet,
        "vae": vae,
        "text_encoder": _text_encoder(tokenizer, "gelu" if is_v2 else "quick_gelu"),
        "scheduler": PNDMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            steps_offset=1,
            set_alpha_to_one=False,
            prediction_type=prediction,
        ),
        **(_safety() if safety else {}),
    }
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.35.0"}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def _text_encoder(tokenizer: Any, activation: str) -> Any:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            hidden_act=activation,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _vocabulary(folder: Path) -> Path:
    """A byte-pair vocabulary in CLIP's form that knows WORDS whole."""
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges: list[str] = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            pair = f"{pieces[0]} {pieces[1]}"
            if pair not in merges:
                merges.append(pair)
                tokens.append(pieces[0] + pieces[1])
            pieces = [pieces[0] + pieces[1], *pieces[2:]]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 16, **special}
    settings |= {"unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def _safety() -> dict[str, Any]:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 16,
        "projection_dim": 16,
    }
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=16))
    size = {"height": 32, "width": 32}
    extractor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size)
    return {"safety_checker": checker, "feature_extractor": extractor}
