"""The losses and the schedule against plain numpy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spurbench_builders.method import losses
from spurbench_builders.method.schedule import Schedule, schedule_of


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made_schedule(abar: list[float], prediction: str, dtype: torch.dtype) -> Schedule:
    """A schedule with these abar, one a step."""
    schedule = schedule_of({"num_train_timesteps": len(abar), "prediction_type": prediction})
    schedule.scheduler.alphas_cumprod = torch.tensor(abar, dtype=dtype)
    return schedule


def compared(made: torch.Tensor, anchor: str = "mean", **known: torch.Tensor) -> losses.Compared:
    refs = known.get("references", randn(3, 5, seed=2))
    weights = known.get("weights", torch.tensor([0.9, 0.2], dtype=torch.float64)[: len(made)])
    prior = known.get("prior", randn(len(made), 5, seed=3))
    return losses.Compared(made, refs, refs[: len(made)], prior, weights, anchor)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_clean_estimate_inverts_the_forward_process(prediction: str) -> None:
    schedule = made_schedule([0.99, 0.5, 0.01], prediction, torch.float64)
    latents, noise, times = randn(3, 4, 2, 2), randn(3, 4, 2, 2, seed=1), torch.arange(3)
    noisy = schedule.noisy(latents, noise, times)
    target = schedule.target(latents, noise, times)
    estimate = schedule.clean(noisy, target, times)
    torch.testing.assert_close(estimate, latents)


def test_noise_and_velocity_are_those_of_the_papers() -> None:
    """z_t (Ho et al., 2020) and v (Salimans and Ho, 2022) in numpy, abar from SD 1.5's settings."""
    settings = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float64) ** 2
    a = np.cumprod(1 - betas)[[10, 900]].reshape(2, 1, 1, 1)
    latents, noise = randn(2, 4, 2, 2).float(), randn(2, 4, 2, 2, seed=1).float()
    times, z, eps = torch.tensor([10, 900]), latents.numpy(), noise.numpy()
    for prediction, target in (
        ("epsilon", eps),
        ("v_prediction", np.sqrt(a) * eps - np.sqrt(1 - a) * z),
    ):
        schedule = schedule_of({**settings, "prediction_type": prediction})
        noisy = schedule.noisy(latents, noise, times)
        np.testing.assert_allclose(
            noisy, np.sqrt(a) * z + np.sqrt(1 - a) * eps, rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            schedule.target(latents, noise, times), target, rtol=1e-4, atol=1e-5
        )


def test_a_schedule_that_ends_in_pure_noise_gives_no_infinity() -> None:
    schedule = made_schedule([0.5, 0.0], "epsilon", torch.float32)
    noisy = randn(2, 4, 2, 2).float()
    assert schedule.clean(noisy, noisy / 2, torch.tensor([0, 1])).isfinite().all()


@pytest.mark.parametrize("anchor", ["mean", "nearest"])
def test_psi_and_similarity_equal_plain_numpy(anchor: str) -> None:
    features, weight, references = randn(2, 5), randn(5, seed=1), randn(3, 5, seed=2)
    weights = torch.tensor([0.9, 0.2], dtype=torch.float64)
    psi, refs = features.numpy() * weight.numpy(), references.numpy() * weight.numpy()
    cosines = np.array(
        [
            cosine(p, refs.mean(axis=0)) if anchor == "mean" else max(cosine(p, r) for r in refs)
            for p in psi
        ]
    )
    given_ = compared(
        losses.class_features(features, weight),
        anchor,
        references=losses.class_features(references, weight),
        weights=weights,
    )
    attracted, contrasted = losses.attract(given_).item(), losses.contrast(given_).item()
    assert attracted == pytest.approx(np.mean(weights.numpy() * (1 - cosines)))
    assert contrasted == pytest.approx(np.mean(weights.numpy() * cosines))


def test_the_printed_reading_is_eq_5_to_the_letter_and_constant() -> None:
    made = randn(2, 5).requires_grad_()
    given_ = compared(made)
    value = losses.printed(given_)
    pairs = zip(given_.reference.numpy(), given_.prior.numpy(), strict=True)
    assert value.item() == pytest.approx(np.mean([cosine(a, b) for a, b in pairs]))
    assert not value.requires_grad


@pytest.mark.parametrize("reading", ["attract", "contrast"])
@pytest.mark.parametrize("anchor", ["mean", "nearest"])
def test_gradients_equal_finite_differences(reading: str, anchor: str) -> None:
    made = randn(2, 5).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda m: losses.READINGS[reading](compared(m, anchor)), (made,)
    )


@given(st.integers(0, 2**16), st.sampled_from(["mean", "nearest"]))
def test_readings_stay_in_their_ranges(seed: int, anchor: str) -> None:
    given_ = compared(randn(2, 5, seed=seed), anchor, weights=torch.ones(2, dtype=torch.float64))
    assert 0 <= losses.attract(given_).item() <= 2
    assert losses.contrast(given_).item() == pytest.approx(1 - losses.attract(given_).item())


def test_pictures_alike_have_no_pull_and_zero_features_no_nan() -> None:
    references, one = randn(1, 5), torch.ones(1, dtype=torch.float64)
    alike = compared(references * 3, references=references, weights=one)
    assert losses.attract(alike).item() == pytest.approx(0, abs=1e-12)
    zero = torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)
    value = losses.attract(compared(zero, weights=one))
    value.backward()  # type: ignore[no-untyped-call]
    assert value.isfinite() and zero.grad is not None and zero.grad.isfinite().all()


def test_a_weight_of_zero_leaves_its_term_out() -> None:
    ldm, nan = torch.tensor(1.0), torch.tensor(float("nan"))
    assert losses.total(ldm, nan, nan, 0.0, 0.0).item() == 1.0
    assert losses.total(ldm, torch.tensor(2.0), torch.tensor(3.0), 1.0, 0.5).item() == 4.5
