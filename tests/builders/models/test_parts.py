"""A base model's numbers: tokens, text states, latents and their sizes, each against its own parts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from spurbench_builders.models.base import BaseModel, load_base_model
from tests.builders.tiny_pipeline import make_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("parts"), safety=False)


@pytest.fixture
def model(folder: Path) -> BaseModel:
    loaded = load_base_model(folder)
    # Not Stable Diffusion's own, which a constant could hit.
    loaded.vae.register_to_config(scaling_factor=0.7)
    return loaded


def sized(in_channels: int, sample_size: int, resolutions: int) -> BaseModel:
    unet: Any = SimpleNamespace(
        config=SimpleNamespace(in_channels=in_channels, sample_size=sample_size)
    )
    vae = SimpleNamespace(config=SimpleNamespace(block_out_channels=(1,) * resolutions))
    nothing: Any = None
    return BaseModel(unet, vae, nothing, None, {})


def test_sizes_follow_from_the_configs() -> None:
    small, sd = sized(7, 12, 3), sized(4, 64, 4)
    assert (small.latent_factor, small.picture_size, small.latent_shape()) == (4, 48, (7, 12, 12))
    assert (sd.latent_factor, sd.picture_size, sd.latent_shape()) == (8, 512, (4, 64, 64))
    assert sized(1, 5, 1).latent_factor == 1


def test_prompts_are_padded_and_cut_to_the_text_encoders_length(model: BaseModel) -> None:
    words = model.tokenizer.convert_tokens_to_ids
    first, last = words("<|startoftext|>"), words("<|endoftext|>")
    photo, flower = words("photo</w>"), words("flower</w>")
    short, empty, long = model.tokens(["photo flower", "", "flower photo " * 30]).tolist()
    assert short == [first, photo, flower, *[last] * 13]
    assert empty == [first, *[last] * 15]
    assert long == [first, *[flower, photo] * 7, last]
    (alone,) = model.tokens(["photo"]).tolist()
    assert len(alone) == 16, "not the longest prompt's length"
    assert model.word_tokens("flower") == [flower]


def test_text_states_are_the_encoders_last_with_padding_seen(model: BaseModel) -> None:
    """As Stable Diffusion was trained: the final norm's output, no mask over the padding."""
    tokens = model.tokens(["a photo of a flower", ""])
    ours = model.states(tokens)
    every = model.text_encoder(tokens, output_hidden_states=True)
    text: Any = model.text_encoder
    norm = getattr(text, "text_model", text).final_layer_norm
    torch.testing.assert_close(ours, norm(every.hidden_states[-1]))
    seen = torch.ones_like(tokens)
    torch.testing.assert_close(ours, model.text_encoder(tokens, attention_mask=seen)[0])
    cut = model.text_encoder(tokens, attention_mask=(tokens != tokens[0, -1]).long())[0]
    assert not torch.allclose(ours, cut)
    text.requires_grad_(True)
    assert model.states(tokens).requires_grad


def test_latents_are_scaled_means_of_pictures_in_minus_one_to_one(model: BaseModel) -> None:
    pictures = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    ours = model.encode_images(pictures)
    moments = model.vae.quant_conv(model.vae.encoder(pictures * 2 - 1))
    torch.testing.assert_close(ours, moments[:, :4] * 0.7, rtol=1e-4, atol=1e-5)
    assert torch.equal(ours, model.encode_images(pictures)), "no draw from the posterior"
    assert ours.shape == (3, *model.latent_shape())


def test_decoding_takes_the_scale_off(model: BaseModel) -> None:
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    ours = model.decode(latents)
    expected = model.vae.decoder(model.vae.post_quant_conv(latents / 0.7))
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    assert ours.shape == (2, 3, 64, 64)
    latents.requires_grad_()
    assert model.decode(latents).requires_grad


def test_a_model_moves_as_a_whole(model: BaseModel) -> None:
    meta = torch.device("meta")
    assert model.device == torch.device("cpu")
    moved = model.to(meta)
    assert moved is model and model.device == meta
    for module in (model.unet, model.vae, model.text_encoder):
        assert {p.device.type for p in module.parameters()} == {"meta"}
    assert model.tokens(["a photo"]).device == meta
