"""Fine-tuning on a small random pipeline: what trains, what does not, and that it goes on exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spurbench import plugins
from spurbench.contracts import LabelSpace, ModelFacts, Transform
from spurbench.errors import UserError
from spurbench.prediction import to_tensor
from spurbench_builders.method.batches import TrainingSet, draw, training_set
from spurbench_builders.method.checkpoint import trained_state
from spurbench_builders.method.finetune import Finetuning, StepLog, finetune
from spurbench_builders.method.similarity import Making, anchors, similarity_loss
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team
from tests.builders.tiny_pipeline import make_pipeline

PROMPTS = ("a photo of a sks flower", "a photo of a flower")
WORDS = ("sks", "flower")


class Robust:
    """A feature classifier of pooled colours: small, smooth, its head random."""

    spec = "made/robust"
    label_space = LabelSpace("made", "made", tuple("abc"))
    transform = Transform("squash", 32, 32)
    facts = ModelFacts("made", 0, "0" * 64, "made")

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self._mix = torch.randn(12, 8, generator=generator)
        self.head = (torch.randn(3, 8, generator=generator), torch.zeros(3))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        pooled = torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)
        return (pooled @ self._mix.to(pooled)).relu()

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images) @ self.head[0].T


ROBUST = Robust()


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("pipeline"), safety=False)


@pytest.fixture(scope="module")
def velocity_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("pipeline2"), "v_prediction", safety=False)


def recipe(**changes: dict[str, Any]) -> Recipe:
    training = {"steps": 4, "learning_rate": 1e-3, "checkpoint_every": 2}
    changes["training"] = {**training, **changes.get("training", {})}
    return derived(load_recipe("micro"), {"name": "made", **changes}, "made")


def data_for(model: BaseModel, settings: Recipe) -> TrainingSet:
    generator = torch.Generator().manual_seed(1)
    references = torch.rand(3, 3, 64, 64, generator=generator)
    priors = torch.rand(4, 3, 64, 64, generator=generator)
    kappa = settings.similarity.kappa("hummingbird")
    return training_set(model, ROBUST, 1, references, priors, PROMPTS, WORDS, kappa)


def trained(
    folder: Path, settings: Recipe, checkpoint: Path | None = None
) -> tuple[dict[str, torch.Tensor], list[StepLog]]:
    model = load_base_model(folder)
    logs = list(finetune(model, ROBUST, data_for(model, settings), settings, 5, checkpoint))
    return trained_state(model), logs


def moved(folder: Path, after: dict[str, torch.Tensor]) -> set[str]:
    before = trained_state(load_base_model(folder))
    assert set(before) == set(after)
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_the_printed_loss_moves_nothing_but_kappa_0_to_the_bit(pipeline: Path) -> None:
    printed, logs = trained(
        pipeline, recipe(similarity={"reading": "printed", "weight": 1.0, "time_bound": None})
    )
    without, plain = trained(pipeline, recipe(similarity={"weight": 0}))
    attracted, _ = trained(pipeline, recipe())
    assert all(log.similarity != 0 for log in logs) and all(log.similarity == 0 for log in plain)
    assert all(torch.equal(printed[name], without[name]) for name in without)
    assert any(not torch.equal(attracted[name], without[name]) for name in without)


@pytest.mark.parametrize(
    ("training", "parts"),
    [
        ({}, {"unet", "text_encoder"}),
        ({"text_encoder": "frozen"}, {"unet"}),
        ({"unet": "frozen"}, {"text_encoder"}),
    ],
)
def test_what_is_frozen_stays(pipeline: Path, training: dict[str, Any], parts: set[str]) -> None:
    after, _ = trained(pipeline, recipe(training=training))
    assert {name.split(".")[0] for name in moved(pipeline, after)} == parts


def test_adapters_move_attention_alone_and_are_folded_in(pipeline: Path) -> None:
    lora = {"unet": "lora", "text_encoder": "lora", "lora": {"rank": 2, "alpha": 2}}
    after, _ = trained(pipeline, recipe(training=lora))
    changed = moved(pipeline, after)
    assert {name.split(".")[0] for name in changed} == {"unet", "text_encoder"}
    assert all("to_" in name or "_proj" in name for name in changed)
    assert not any("lora" in name for name in after)


def test_textual_inversion_moves_one_word_alone(pipeline: Path) -> None:
    way = {"unet": "frozen", "text_encoder": "embedding", "prior_weight": 0}
    after, logs = trained(pipeline, recipe(training=way, similarity={"weight": 0}))
    (table,) = moved(pipeline, after)
    before = trained_state(load_base_model(pipeline))[table]
    model = load_base_model(pipeline)
    rows = (before != after[table]).any(dim=1).nonzero().flatten().tolist()
    assert rows == model.word_tokens("sks")
    start = before[model.word_tokens("flower")].mean(dim=0)
    assert not torch.allclose(after[table][rows[0]], start) and logs[-1].prior == 0


def test_the_kept_weights_are_the_average_of_all_steps(pipeline: Path) -> None:
    """By the recursion a <- a + (1 - d)(w - a), d = min(decay, (1 + n) / (10 + n)), d = 0 at first."""
    plain, rates = recipe(training={"steps": 4, "schedule": "linear"}), []
    model = load_base_model(pipeline)
    tuning = Finetuning(model, ROBUST, data_for(model, plain), plain, Team())
    generator, seen = torch.Generator().manual_seed(5), []
    torch.manual_seed(5)
    for step in range(4):
        tuning.step(draw(tuning.data, tuning.schedule, generator, 1, prior=True), step)
        rates.append(tuning.optimiser.param_groups[0]["lr"])
        seen.append({n: p.detach().clone() for n, p in tuning.trainee.named_parameters().items()})
    assert rates == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])
    averaged, _ = trained(
        pipeline, recipe(training={"steps": 4, "schedule": "linear", "average": 0.2})
    )
    mean = seen[0]
    for number, weights in enumerate(seen[1:], start=1):
        decay = min(0.2, (1 + number) / (10 + number))
        mean = {n: mean[n] * decay + w * (1 - decay) for n, w in weights.items()}
    moved = 0
    for name, value in mean.items():
        torch.testing.assert_close(averaged[name], value, rtol=1e-5, atol=1e-7)
        moved += not torch.allclose(averaged[name], seen[-1][name], rtol=1e-5, atol=1e-7)
    assert moved > 10


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"unet": "lora", "text_encoder": "lora", "lora": {"rank": 2, "alpha": 2}},
        {"batch": 2, "precision": "bf16", "gradient_checkpointing": True},
        {"unet": "frozen", "text_encoder": "embedding"},
        {"average": 0.8, "schedule": "linear"},
    ],
    ids=["full", "lora", "bf16", "embedding", "average"],
)
def test_interrupted_training_ends_in_the_same_bits(
    pipeline: Path, tmp_path: Path, training: dict[str, Any]
) -> None:
    settings, checkpoint = recipe(training=training), tmp_path / "checkpoint.pt"
    whole, logs = trained(pipeline, settings)
    model = load_base_model(pipeline)
    running = finetune(model, ROBUST, data_for(model, settings), settings, 5, checkpoint)
    first = [next(running) for _ in range(3)]
    del running, model
    assert checkpoint.exists()
    resumed, rest = trained(pipeline, settings, checkpoint)
    assert [log.step for log in rest] == [2, 3]
    assert [*first[:2], *rest] == logs
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.parametrize("which", ["pipeline", "velocity_pipeline"])
def test_gradients_reach_unet_and_text_encoder_and_equal_differences(
    which: str, request: pytest.FixtureRequest
) -> None:
    """SFSL alone, at its full path through estimate, decoder and robust network, in float64."""
    model = load_base_model(request.getfixturevalue(which))
    for module in (model.unet, model.vae, model.text_encoder):
        module.double()
    settings = recipe(similarity={"time_weight": "none", "time_bound": None, "decode_size": 32})
    doubled = Robust()
    doubled.head = (doubled.head[0].double(), doubled.head[1].double())
    generator = torch.Generator().manual_seed(1)
    pictures = torch.rand(3, 3, 64, 64, generator=generator, dtype=torch.float64)
    data = training_set(model, doubled, 1, pictures, pictures, PROMPTS, WORDS, 1.0)
    tuning = Finetuning(model, doubled, data, settings, Team())
    tuning.schedule.scheduler.alphas_cumprod = tuning.schedule.abar.double()
    batch = draw(data, tuning.schedule, generator, 1, prior=True)
    batch = type(batch)(batch.latents, batch.noise.double(), torch.tensor([200, 300]), batch.which)

    def value() -> torch.Tensor:
        return tuning.terms(batch).similarity

    value().backward()  # type: ignore[no-untyped-call]
    names = dict(tuning.denoiser.named_parameters())
    chosen = [
        next(n for n in names if n.startswith("unet.conv_out") and n.endswith("bias")),
        next(n for n in names if n.startswith("text_encoder") and n.endswith("fc2.bias")),
    ]
    for name in chosen:
        parameter = names[name]
        assert parameter.grad is not None and parameter.grad.abs().max() > 0
        at = int(parameter.grad.abs().argmax())
        sides = []
        for step in (1e-3, -1e-3):
            with torch.no_grad():
                parameter[at] += step
                sides.append(value().item())
                parameter[at] -= step
        slope = (sides[0] - sides[1]) / 2e-3
        assert parameter.grad[at].item() == pytest.approx(slope, rel=0.02)


def making(model: BaseModel, times: list[int], scale: float = 1.0) -> Making:
    count = len(times)
    noisy = torch.randn(count, *model.latent_shape(), generator=torch.Generator().manual_seed(2))
    which = torch.arange(count)
    return Making(noisy * scale, noisy.clone(), torch.tensor(times), which, which)


def test_time_bound_decode_size_and_infinite_estimates(pipeline: Path) -> None:
    model = load_base_model(pipeline)

    def value(made: Making, **changes: Any) -> torch.Tensor:
        settings = recipe(similarity=changes)
        data = data_for(model, settings)
        tuning = Finetuning(model, ROBUST, data, settings, Team())
        assert data.features is not None
        return similarity_loss(
            model, ROBUST, data.features, tuning.schedule, settings.similarity, made
        )

    late, early = making(model, [700]), making(model, [100])
    assert value(late, time_bound=650).item() == 0 < value(late, time_bound=None).item()
    assert value(early, time_bound=650).item() > 0
    both = making(model, [100, 700])
    kept = value(both, time_bound=650).item()
    assert kept == pytest.approx(value(early, time_bound=650).item() / 2, rel=1e-3)
    assert value(early, decode_size=64).item() == value(early).item()
    assert value(early).item() != value(early, decode_size=32).item() > 0
    assert value(making(model, [100], scale=float("inf"))).item() == 0
    flat = value(early, time_weight="none").item()
    assert flat > value(early, time_weight="abar").item()


def test_a_picture_that_counts_nothing_cannot_spoil_the_others(pipeline: Path) -> None:
    model, settings = load_base_model(pipeline), recipe(similarity={"time_bound": 650})
    data = data_for(model, settings)
    tuning = Finetuning(model, ROBUST, data, settings, Team())
    assert data.features is not None
    made = making(model, [100, 700])
    made.noisy[1] = float("nan")
    value = similarity_loss(
        model, ROBUST, data.features, tuning.schedule, settings.similarity, made
    )
    assert value.item() > 0


def test_training_that_diverges_is_one_clear_line(pipeline: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(
        UserError, match=r"training diverged at step \d .* lower training.learning_rate"
    ):
        trained(pipeline, recipe(training={"learning_rate": 1e9}), checkpoint)
    assert not checkpoint.exists()


def test_psi_is_eq_4_on_a_trained_network_and_sums_to_the_logit() -> None:
    """psi_k against numpy on the shipped robust network: w_k * phi, and sum psi_k + b_k = logit_k."""
    robust: Any = plugins.classifier("micro/robust")
    card = plugins.domain("micro").cards()[0]
    pictures = [p.image for p in plugins.domain("micro").references(card, 2)]
    images = torch.stack([to_tensor(image) for image in pictures])
    weight, bias = (part.detach().numpy() for part in robust.head)
    phi = robust.features(images).detach().numpy()
    plain = weight[card.label] * phi
    known = anchors(robust, card.label, images, images)
    np.testing.assert_allclose(known.references.numpy(), plain, rtol=1e-6)
    logits = robust.logits(images).detach().numpy()[:, card.label]
    np.testing.assert_allclose(plain.sum(axis=1) + bias[card.label], logits, rtol=1e-4, atol=1e-4)


def test_the_prior_pictures_can_be_the_ones_compared(pipeline: Path) -> None:
    _, instance = trained(pipeline, recipe(similarity={"images": "instance"}))
    _, prior = trained(pipeline, recipe(similarity={"images": "prior"}))
    assert instance[0].ldm == prior[0].ldm and instance[0].similarity != prior[0].similarity


def test_a_batch_is_the_same_whatever_the_number_of_processes(pipeline: Path) -> None:
    """Two processes' gradients, averaged, are those of one with the global batch."""
    settings = recipe(training={"batch": 2})
    model = load_base_model(pipeline)
    data = data_for(model, settings)
    tuning = Finetuning(model, ROBUST, data, settings, Team())
    batch = draw(data, tuning.schedule, torch.Generator().manual_seed(3), 2, prior=True)

    def gradients(parts: list[Any]) -> list[torch.Tensor]:
        tuning.optimiser.zero_grad()
        for part in parts:
            terms = tuning.terms(part)
            ((terms.ldm + terms.prior + terms.similarity) / len(parts)).backward()  # type: ignore[no-untyped-call]
        return [p.grad.clone() for p in tuning.trainee.parameters if p.grad is not None]

    whole = gradients([batch])
    shared = gradients([batch.share(0, 2), batch.share(1, 2)])
    for one, other in zip(whole, shared, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
