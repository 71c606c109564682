"""The shipped base model is a Stable Diffusion pipeline, and our sampler is the pipeline's."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import StableDiffusionPipeline

from spurbench import plugins
from spurbench_builders.method.sampling import first_latents, sample
from spurbench_builders.models.base import load_base_model
from spurbench_builders.models.where import base_model_folder
from spurbench_builders.recipes.files import load_recipe

FOLDER = base_model_folder("micro", None, plugins.domain("micro"))
PROMPT = "a photo of a hummingbird with a flower on the beach"


def test_the_pipeline_loads_it_and_makes_the_same_pictures() -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(FOLDER, safety_checker=None)
    parts = {name: type(part).__name__ for name, part in pipeline.components.items() if part}
    assert parts == {
        "vae": "AutoencoderKL",
        "unet": "UNet2DConditionModel",
        "text_encoder": "CLIPTextModel",
        "tokenizer": "CLIPTokenizer",
        "scheduler": "PNDMScheduler",
    }
    config = pipeline.scheduler.config
    assert (config.beta_start, config.beta_end, config.beta_schedule) == (
        0.00085,
        0.012,
        "scaled_linear",
    )
    assert config.skip_prk_steps and config.steps_offset == 1 and not config.set_alpha_to_one
    pipeline.set_progress_bar_config(disable=True)
    model, settings = load_base_model(FOLDER), load_recipe("micro").sampling
    seeds = [3, 4]
    (ours,) = sample(model, PROMPT, seeds, settings)
    theirs = pipeline(
        [PROMPT] * 2,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance,
        latents=first_latents(seeds, model.latent_shape()),
    ).images
    for mine, other in zip(ours, theirs, strict=True):
        assert np.abs(np.asarray(mine, dtype=int) - np.asarray(other, dtype=int)).max() <= 2


def test_a_picture_depends_on_its_seed_alone() -> None:
    model, settings = load_base_model(FOLDER), load_recipe("micro").sampling
    (together,) = sample(model, PROMPT, [5, 6, 7], settings)
    (alone,) = sample(model, PROMPT, [6], settings)
    gap = np.abs(np.asarray(together[1], dtype=int) - np.asarray(alone[0], dtype=int))
    assert gap.max() <= 2
    assert np.abs(np.asarray(together[0], dtype=int) - np.asarray(alone[0], dtype=int)).max() > 30


def test_it_knows_its_words() -> None:
    tokenizer = load_base_model(FOLDER).tokenizer
    for word in ("hummingbird", "flower", "eucalyptus", "sks", "beach"):
        assert len(tokenizer.tokenize(word)) == 1
    with torch.no_grad():
        model = load_base_model(FOLDER)
        states = model.states(model.tokens(["", PROMPT]))
    assert states.shape == (2, tokenizer.model_max_length, 128)
