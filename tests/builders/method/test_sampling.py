"""Sampling against diffusers' own pipeline, picture by picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import PNDMScheduler, StableDiffusionPipeline

from spurbench_builders.method.sampling import first_latents, picture_seed, sample, to_pictures
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.model import Sampling
from tests.builders.formula import filled
from tests.builders.tiny_pipeline import make_pipeline

PROMPT = "a photo of a sks flower"


@pytest.fixture(scope="module", params=["epsilon", "v_prediction"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("sampling"), request.param, safety=False)


def loaded(folder: Path) -> BaseModel:
    model = load_base_model(folder)
    for module in (model.unet, model.text_encoder, model.vae):
        filled(module)
    return model


@pytest.mark.parametrize("guidance", [1.5, 6.0])
def test_pictures_are_those_of_diffusers_pipeline(folder: Path, guidance: float) -> None:
    model, seeds = loaded(folder), [7, 1_000_003, 9]
    scheduler = PNDMScheduler.from_config(model.scheduler_config)
    pipeline: Any = StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        unet=model.unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    latents = torch.cat(
        [torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(s)) for s in seeds]
    )
    with torch.inference_mode():
        theirs = pipeline(
            [PROMPT] * 3,
            num_inference_steps=4,
            guidance_scale=guidance,
            latents=latents,
            output_type="np",
        ).images
    ours = list(sample(model, PROMPT, seeds, Sampling(steps=4, guidance=guidance, batch=2)))
    assert [len(batch) for batch in ours] == [2, 1]
    pixels = np.stack([np.asarray(image) for batch in ours for image in batch])
    assert pixels.shape == (3, 64, 64, 3)
    gap = np.abs(pixels.astype(float) - theirs * 255)
    assert gap.max() <= 1.01 and gap.mean() < 0.5
    assert pixels.std() > 3, "values that tell"
    assert not np.array_equal(pixels[0], pixels[1])


def loop_by_hand(model: BaseModel, seeds: list[int], settings: Sampling) -> np.ndarray:
    """A picture at a time with two calls of the U-Net, everything but the U-Net in float32."""
    scheduler = PNDMScheduler.from_config(model.scheduler_config)
    made = []
    for seed in seeds:
        scheduler.set_timesteps(settings.steps)
        z = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(seed))
        for time in scheduler.timesteps:
            guesses = []
            for prompt in ("", PROMPT):
                states = model.text_encoder(model.tokens([prompt]))[0]
                with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
                    out = model.unet(z, time, states).sample
                guesses.append(out.float())
            guess = guesses[0] + settings.guidance * (guesses[1] - guesses[0])
            z = scheduler.step(guess, time, z).prev_sample
        decoded = model.vae.decode(z / model.vae.config.scaling_factor).sample
        made.append((decoded[0] / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy() * 255)
    return np.stack(made)


def gaps(folder: Path, settings: Sampling, other: Sampling) -> tuple[float, float]:
    """Mean difference of our pictures to those by hand, with the settings and with others."""
    model, seeds = loaded(folder), [7, 11, 3]
    ours = [np.asarray(i, float) for part in sample(model, PROMPT, seeds, settings) for i in part]
    with torch.inference_mode():
        right, wrong = (loop_by_hand(model, seeds, s) for s in (settings, other))
    return float(np.abs(ours - right).mean()), float(np.abs(ours - wrong).mean())


def test_bf16_is_for_the_unet_alone(folder: Path) -> None:
    """Guidance of bf16 guesses is weighed in float32: at this weight their rounding would tell."""
    half = Sampling(steps=4, guidance=3.0, batch=2, precision="bf16")
    right, wrong = gaps(folder, half, half.model_copy(update={"precision": "fp32"}))
    assert right < 0.4 * wrong, (right, wrong)


def test_the_schedulers_settings_are_the_pipelines_own(folder: Path) -> None:
    """Settings that no scheduler has by default."""
    model, settings = loaded(folder), Sampling(steps=3, guidance=2.0, batch=3)
    plain = np.stack([np.asarray(i, float) for i in next(sample(model, PROMPT, [7, 3], settings))])
    model.scheduler_config = {
        **model.scheduler_config,
        "beta_start": 0.003,
        "beta_end": 0.03,
        "steps_offset": 3,
        "num_train_timesteps": 700,
    }
    ours = np.stack([np.asarray(i, float) for i in next(sample(model, PROMPT, [7, 3], settings))])
    with torch.inference_mode():
        known = loop_by_hand(model, [7, 3], settings)
    assert np.abs(ours - known).mean() < 0.6 < np.abs(ours - plain).mean()


def test_each_seed_has_a_noise_of_its_own_wherever_it_stands() -> None:
    several = first_latents([3, 4, 5], (4, 2, 3))
    assert several.shape == (3, 4, 2, 3)
    for i, seed in enumerate([3, 4, 5]):
        assert torch.equal(several[i], first_latents([seed], (4, 2, 3))[0])
        expected = torch.randn((4, 2, 3), generator=torch.Generator().manual_seed(seed))
        assert torch.equal(several[i], expected)
    assert len({tuple(row.flatten().tolist()) for row in several}) == 3


def test_seeds_of_two_builds_never_meet() -> None:
    assert picture_seed(0, 5) == 5 and picture_seed(3, 7) == 3_000_007
    seeds = [picture_seed(s, i) for s in range(4) for i in (0, 1, 74, 99_999, 500_000, 999_999)]
    assert len(set(seeds)) == len(seeds)


def test_pictures_are_rounded_to_eight_bits_with_their_colours_in_place() -> None:
    images = torch.zeros(2, 3, 2, 4)
    images[0, 0], images[0, 2, 1, 3], images[1, 1] = 1.0, 0.5, 100.6 / 255
    first, second = to_pictures(images)
    assert first.size == (4, 2) and first.mode == "RGB"
    assert first.getpixel((0, 0)) == (255, 0, 0)
    assert first.getpixel((3, 1)) == (255, 0, 128) and second.getpixel((2, 1)) == (0, 101, 0)
