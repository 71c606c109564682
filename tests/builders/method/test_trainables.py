"""What is trained, and the optimiser that does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from spurbench.errors import UserError
from spurbench_builders.method.trainables import Trainee, rate_factor
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.recipes.model import Training
from tests.builders.tiny_pipeline import make_pipeline

WORDS = ("sks", "flower")
SCHEDULES = ("constant", "linear", "cosine")
LORA = {"unet": "lora", "text_encoder": "lora", "lora": {"rank": 4, "alpha": 12}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("trainables"), safety=False)


def settings(**changes: Any) -> Training:
    return Training.model_validate(load_recipe("micro").training.model_dump() | changes)


def trainee(folder: Path, **changes: Any) -> tuple[Trainee, BaseModel]:
    model = load_base_model(folder)
    return Trainee(model, settings(**changes), WORDS), model


def test_adamw_has_the_recipes_settings(folder: Path) -> None:
    changes = {"learning_rate": 3e-4, "betas": (0.7, 0.8), "epsilon": 1e-5, "weight_decay": 0.2}
    (group,) = trainee(folder, **changes)[0].optimiser().param_groups
    said = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay")}
    assert said == {"lr": 3e-4, "betas": (0.7, 0.8), "eps": 1e-5, "weight_decay": 0.2}
    assert group["fused"] is True


def test_one_word_is_trained_without_decay(folder: Path) -> None:
    way = {"unet": "frozen", "text_encoder": "embedding", "weight_decay": 0.2}
    made, model = trainee(folder, **way)
    assert made.optimiser().param_groups[0]["weight_decay"] == 0.0
    (table,) = made.parameters
    before = load_base_model(folder).text_encoder.get_input_embeddings().weight  # type: ignore[operator]
    (row,) = model.word_tokens("sks")
    noun = before[model.word_tokens("flower")].mean(dim=0)
    torch.testing.assert_close(table[row], noun)
    (table * torch.arange(1, len(table) + 1)[:, None]).sum().backward()  # type: ignore[no-untyped-call]
    assert table.grad is not None
    assert table.grad.abs().sum(dim=1).nonzero().flatten().tolist() == [row]
    assert table.grad[row].tolist() == [row + 1.0] * table.shape[1]


def test_a_word_starts_at_the_mean_of_its_nouns_tokens(folder: Path) -> None:
    model = load_base_model(folder)
    before = model.text_encoder.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]
    rows = model.word_tokens("zyx")
    assert len(rows) == 3
    made = Trainee(model, settings(unet="frozen", text_encoder="embedding"), ("sks", "zyx"))
    (table,) = made.parameters
    (row,) = model.word_tokens("sks")
    torch.testing.assert_close(table[row], before[rows].mean(dim=0))
    others = [i for i in range(len(before)) if i != row]
    assert torch.equal(table[others], before[others])
    assert model.text_encoder.training and not model.unet.training and made.reads_text_afresh


def test_a_word_of_two_tokens_is_refused(folder: Path) -> None:
    model = load_base_model(folder)
    way = settings(unet="frozen", text_encoder="embedding")
    with pytest.raises(UserError) as error:
        Trainee(model, way, ("zyx", "flower"))
    assert str(error.value) == (
        "prompt.identifier 'zyx' is 3 tokens of the base model's vocabulary; "
        "textual inversion needs a word that is one"
    )


@pytest.mark.parametrize(
    ("changes", "unet", "text"),
    [({}, 1.0, 1.0), ({"text_encoder": "frozen"}, 1.0, 0.0), ({"unet": "frozen"}, 0.0, 1.0)],
)
def test_all_weights_of_a_part_or_none(
    folder: Path, changes: dict[str, Any], unet: float, text: float
) -> None:
    made, model = trainee(folder, **changes)
    for module, share in ((model.unet, unet), (model.text_encoder, text)):
        trained = [p.requires_grad for p in module.parameters()]
        assert sum(trained) / len(trained) == share
        assert module.training is bool(share), "dropout belongs to what is trained"
    assert len(made.named_parameters()) == len(made.parameters)
    assert made.reads_text_afresh is bool(text)


def test_adapters_have_the_rank_and_the_scale(folder: Path) -> None:
    """h + alpha / rank B A x (Hu et al., 2022), on every attention layer and on nothing else."""
    made, _ = trainee(folder, **LORA)
    names = made.named_parameters()
    assert names and all("lora_" in n for n in names)
    layers = {n.split(".lora_")[0].rsplit(".", 1)[-1] for n in names}
    assert layers == {"to_q", "to_k", "to_v", "0", "q_proj", "k_proj", "v_proj", "out_proj"}
    assert {p.shape[0] for n, p in names.items() if "lora_A" in n} == {4}
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in names.values():
            p.copy_(torch.randn(p.shape, generator=generator))
    for part, end in ((made.denoiser.unet, "to_q"), (made.denoiser.text_encoder, "v_proj")):
        layer: Any = next(m for n, m in part.named_modules() if n.endswith(end))
        x = torch.randn(2, layer.in_features, generator=generator)
        down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        expected = layer.base_layer(x) + 12 / 4 * x @ down.T @ up.T
        torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_adapters_begin_as_nothing_and_train_alone(folder: Path) -> None:
    made, model = trainee(folder, **LORA)
    plain = load_base_model(folder)
    assert made.denoiser.unet.training and made.denoiser.text_encoder.training
    assert made.reads_text_afresh
    noisy = torch.randn(2, *model.latent_shape(), generator=torch.Generator().manual_seed(0))
    times, tokens = torch.tensor([10, 500]), model.tokens(["a photo of a sks flower", "a leaves"])
    ours = made.denoiser(noisy, times, tokens, None)
    with torch.no_grad():
        known = plain.unet(noisy, times, plain.states(tokens)).sample
    torch.testing.assert_close(ours, known)
    ours.square().sum().backward()
    graded = {n for n, p in made.denoiser.named_parameters() if p.grad is not None}
    assert graded == set(made.named_parameters())


def test_one_part_by_adapters_leaves_the_other_as_it_says(folder: Path) -> None:
    made, _ = trainee(folder, **(LORA | {"text_encoder": "full"}))
    names = made.named_parameters()
    assert {n.split(".")[0] for n in names if "lora_" in n} == {"unet"}
    text = [n for n, _ in made.denoiser.text_encoder.named_parameters()]
    assert sum(n.startswith("text_encoder.") for n in names) == len(text)
    made, _ = trainee(folder, **(LORA | {"unet": "frozen"}))
    names = made.named_parameters()
    assert names and all(n.startswith("text_encoder.") and "lora_" in n for n in names)
    assert not made.denoiser.unet.training


def test_folded_adapters_leave_the_same_function(folder: Path) -> None:
    made, model = trainee(folder, **LORA)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in made.parameters:
            p.copy_(torch.randn(p.shape, generator=generator) / 10)
    made.denoiser.eval()
    noisy = torch.randn(2, *model.latent_shape(), generator=generator)
    times, tokens = torch.tensor([10, 500]), model.tokens(["a photo of a sks flower", "a leaves"])
    with torch.no_grad():
        before = made.denoiser(noisy, times, tokens, None)
        made.finish()
        after = model.unet(noisy, times, model.states(tokens)).sample
    torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-4)
    assert not any("lora" in n for m in (model.unet, model.text_encoder) for n in m.state_dict())


def test_prompts_are_read_by_the_text_encoder_unless_states_are_given(folder: Path) -> None:
    made, model = trainee(folder)
    made.denoiser.eval()
    noisy, times = torch.ones(2, *model.latent_shape()), torch.tensor([10, 500])
    tokens = model.tokens(["a photo of a sks flower", "a leaves"])
    with torch.no_grad():
        read = made.denoiser(noisy, times, tokens, None)
        given = made.denoiser(noisy, times, tokens, model.states(tokens))
        swapped = made.denoiser(noisy, times, tokens, model.states(tokens.flip(0)))
        plain = model.unet(noisy, times, model.states(tokens)).sample
    assert torch.equal(read, given) and torch.equal(read, plain)
    assert not torch.allclose(read, swapped)


@pytest.mark.parametrize("wanted", [True, False])
def test_activations_are_computed_again_where_the_recipe_says(folder: Path, wanted: bool) -> None:
    made, model = trainee(folder, gradient_checkpointing=wanted)
    text: Any = model.text_encoder
    renamed = hasattr(text, "activation_checkpointing_enable")  # since version 5
    name = "is_activation_checkpointing" if renamed else "is_gradient_checkpointing"

    def said() -> list[bool]:
        return [model.unet.is_gradient_checkpointing, getattr(text, name)]

    assert said() == [wanted, wanted]
    made.finish()
    assert said() == [False, False]


def test_finished_weights_are_frozen(folder: Path) -> None:
    made, model = trainee(folder)
    made.finish()
    for module in (model.unet, model.text_encoder):
        assert not module.training and not any(p.requires_grad for p in module.parameters())


def test_the_learning_rate_falls_as_the_schedule_says() -> None:
    progress = [0.0, 0.25, 0.5, 0.75]
    factors = {name: [rate_factor(name, p) for p in progress] for name in SCHEDULES}
    assert factors["constant"] == [1, 1, 1, 1] and factors["linear"] == [1, 0.75, 0.5, 0.25]
    assert factors["cosine"] == pytest.approx([1, 0.85355339, 0.5, 0.14644661])
