"""Random weights of Stable Diffusion 1.5's true size: its component classes and settings."""

from __future__ import annotations

from pathlib import Path

import torch

from spurbench import plugins
from spurbench_builders.models.where import base_model_folder

TOKENS = 77


def make_pipeline(folder: Path) -> Path:
    """A pipeline in diffusers' format, 860 M parameters of U-Net, 123 M of text encoder, 84 M of
    autoencoder; left as it is where it lies already.

    The tokenizer is the micro world's, set to CLIP's 77 tokens: which ids come out does not
    change the work.
    """
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline
    from diffusers import UNet2DConditionModel as UNet
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    if (folder / "model_index.json").is_file():
        return folder
    torch.manual_seed(0)
    levels = 4
    micro = base_model_folder("micro", None, plugins.domain("micro"))
    pipeline = StableDiffusionPipeline(
        unet=UNet(sample_size=64, cross_attention_dim=768, attention_head_dim=8),
        vae=AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            layers_per_block=2,
            sample_size=512,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                hidden_size=768,
                intermediate_size=3072,
                num_hidden_layers=12,
                num_attention_heads=12,
                max_position_embeddings=TOKENS,
                vocab_size=49408,
                projection_dim=768,
            )
        ),
        tokenizer=CLIPTokenizer.from_pretrained(micro / "tokenizer", model_max_length=TOKENS),
        scheduler=PNDMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def make_resnet50(folder: Path) -> Path:
    """A ResNet-50's weights as timm names them, in the shape of the paper's robust network."""
    import timm
    from safetensors.torch import save_file

    path = folder / "resnet50.safetensors"
    if not path.is_file():
        torch.manual_seed(0)
        save_file(timm.create_model("resnet50").state_dict(), path)
    return path
