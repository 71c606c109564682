"""What a training step draws: its own noise and time for every picture, each half from its pool."""

from __future__ import annotations

import pytest
import torch

from spurbench_builders.method.batches import Batch, TrainingSet, draw, training_set
from spurbench_builders.method.schedule import schedule_of
from spurbench_builders.models.base import BaseModel, load_base_model
from tests.builders.method.test_finetune import PROMPTS, WORDS, Robust
from tests.builders.tiny_pipeline import make_pipeline

SCHEDULE = schedule_of({"num_train_timesteps": 37})


def pictures(count: int, first: float) -> torch.Tensor:
    """Latents (count, 1, 2, 3) whose every value says which picture they are."""
    return (torch.arange(count) + first).view(-1, 1, 1, 1).expand(-1, 1, 2, 3).clone()


def pool() -> TrainingSet:
    tokens = torch.zeros(2, 4, dtype=torch.long)
    return TrainingSet(pictures(5, 100), pictures(9, 200), tokens, ("sks", "x"), None, 0.0)


def drawn(batch: int, *, prior: bool = True, seed: int = 3) -> Batch:
    return draw(pool(), SCHEDULE, torch.Generator().manual_seed(seed), batch, prior=prior)


def test_instances_come_first_then_as_many_priors() -> None:
    batch = drawn(4)
    assert batch.latents.shape == (8, 1, 2, 3) == batch.noise.shape
    which = batch.latents[:, 0, 0, 0]
    assert torch.equal(which[:4], 100 + batch.which[0].float())
    assert torch.equal(which[4:], 200 + batch.which[1].float())


def test_every_picture_has_noise_and_a_time_of_its_own() -> None:
    batch = drawn(6)
    for i in range(12):
        for j in range(i):
            assert not torch.allclose(batch.noise[i], batch.noise[j])
    assert len(set(batch.times[:6].tolist())) > 3
    assert batch.times[:6].tolist() != batch.times[6:].tolist()
    assert abs(float(batch.noise.mean())) < 0.5 and 0.7 < float(batch.noise.std()) < 1.3


def test_everything_is_drawn_in_time() -> None:
    """References, priors and steps: all of them and nothing beyond."""
    batches = [drawn(4, seed=seed) for seed in range(60)]
    assert {int(i) for b in batches for i in b.which[0]} == set(range(5))
    assert {int(i) for b in batches for i in b.which[1]} == set(range(9))
    assert {int(t) for b in batches for t in b.times} == set(range(37))


def test_without_a_prior_there_are_instances_alone() -> None:
    batch = drawn(4, prior=False)
    assert len(batch.latents) == len(batch.noise) == len(batch.times) == 4
    assert (batch.latents < 200).all()
    assert len(batch.which[1]) == 4, "which are drawn all the same, so that the noise is the same"
    assert torch.equal(batch.which[0], drawn(4).which[0])


def test_the_seed_decides_and_nothing_else() -> None:
    torch.manual_seed(1)
    one = drawn(3)
    torch.manual_seed(2)
    same, other = drawn(3), drawn(3, seed=4)
    for name in ("latents", "noise", "times"):
        assert torch.equal(getattr(one, name), getattr(same, name)), name
        assert not torch.equal(getattr(other, name), getattr(same, name)), name


def test_drawing_goes_on_where_the_batch_before_ended() -> None:
    generator = torch.Generator().manual_seed(3)
    first, second = (draw(pool(), SCHEDULE, generator, 3, prior=True) for _ in range(2))
    assert torch.equal(first.noise, drawn(3).noise)
    assert not torch.equal(first.noise, second.noise)
    assert not torch.equal(first.times, second.times)


def test_draws_are_those_of_torchs_generator_in_their_order() -> None:
    """References, priors, noise, times: another order would change every data set."""
    generator, batch = torch.Generator().manual_seed(3), drawn(2)
    for which, count in zip(batch.which, (5, 9), strict=True):
        for index in which:
            assert int(index) == int(torch.randint(count, (1,), generator=generator))
    assert torch.equal(batch.noise, torch.randn((4, 1, 2, 3), generator=generator))
    assert torch.equal(batch.times, torch.randint(37, (4,), generator=generator))


def test_a_larger_batch_begins_with_the_references_of_a_smaller_one() -> None:
    assert torch.equal(drawn(5).which[0][:2], drawn(2).which[0])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_shares_are_disjoint_whole_and_of_like_halves(size: int) -> None:
    batch = drawn(6)
    shares = [batch.share(rank, size) for rank in range(size)]
    rows = [
        (float(x[0, 0, 0]), int(t)) for s in shares for x, t in zip(s.latents, s.times, strict=True)
    ]
    whole = [(float(x[0, 0, 0]), int(t)) for x, t in zip(batch.latents, batch.times, strict=True)]
    assert sorted(rows) == sorted(whole)
    for rank, share in enumerate(shares):
        half = 6 // size
        assert torch.equal(share.latents[:half, 0, 0, 0], 100 + share.which[0].float())
        assert torch.equal(share.latents[half:, 0, 0, 0], 200 + share.which[1].float())
        assert torch.equal(share.noise[:half], batch.noise[rank:6:size])
        assert torch.equal(share.times[half:], batch.times[6 + rank :: size])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    return load_base_model(make_pipeline(tmp_path_factory.mktemp("batches"), safety=False))


def images(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kappa", [0.4, 0.0])
def test_what_every_step_needs_is_computed_once(model: BaseModel, kappa: float) -> None:
    robust, references, priors = Robust(), images(2, 1), images(3, 2)
    model.text_encoder.requires_grad_(True)
    made = training_set(model, robust, 2, references, priors, PROMPTS, WORDS, kappa)
    scale = model.vae.config.scaling_factor
    for ours, pictures in ((made.references, references), (made.priors, priors)):
        expected = model.vae.encode(pictures * 2 - 1).latent_dist.mode() * scale
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    ids = model.tokenizer(list(PROMPTS), padding="max_length", return_tensors="pt").input_ids
    assert torch.equal(made.tokens, ids) and not torch.equal(ids[0], ids[1])
    assert (made.words, made.kappa) == (WORDS, kappa)
    if not kappa:
        assert made.features is None, "psi_k is not computed for a loss that is left out"
        return
    assert made.features is not None
    weight = robust.head[0][2]
    small = torch.nn.functional.interpolate(references, (32, 32), mode="bilinear", antialias=True)
    torch.testing.assert_close(made.features.references, robust.features(small) * weight)
    assert made.features.priors.shape == (3, 8)


def test_a_training_set_holds_no_graph(model: BaseModel) -> None:
    """The autoencoder's graph of every picture would fill the memory."""
    model.vae.requires_grad_(True)
    made = training_set(model, Robust(), 2, images(2, 1), images(1, 2), PROMPTS, WORDS, 1.0)
    assert not made.references.requires_grad and not made.priors.requires_grad
