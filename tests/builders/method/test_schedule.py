"""The noise schedule against plain numpy: betas, noising, targets and the clean estimate of DDPM."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler

from spurbench.errors import UserError
from spurbench_builders.method.schedule import Schedule, schedule_of

SD = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
TIMES = torch.tensor([10, 900, 0])


def abar_by_hand(settings: dict[str, Any]) -> np.ndarray:
    """abar_t = prod (1 - beta_s) in float64; scaled_linear is linear in the root of beta."""
    start, end = settings.get("beta_start", 0.0001), settings.get("beta_end", 0.02)
    count = settings.get("num_train_timesteps", 1000)
    if settings.get("beta_schedule", "linear") == "linear":
        betas = np.linspace(start, end, count)
    else:
        betas = np.linspace(start**0.5, end**0.5, count) ** 2
    return np.cumprod(1 - betas)


def made(abar: list[float], prediction: str, dtype: torch.dtype = torch.float64) -> Schedule:
    """A schedule with these abar, one a step."""
    schedule = schedule_of({"num_train_timesteps": len(abar), "prediction_type": prediction})
    schedule.scheduler.alphas_cumprod = torch.tensor(abar, dtype=dtype)
    return schedule


def randn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


LATENTS, NOISE = randn(3, 4, 2, 5, seed=0), randn(3, 4, 2, 5, seed=1)


@pytest.mark.parametrize(
    "settings",
    [SD, {}, {**SD, "num_train_timesteps": 37}, {"beta_start": 0.001, "beta_end": 0.03}],
    ids=["sd", "ddpm", "short", "steep"],
)
def test_abar_is_the_product_that_the_settings_describe(settings: dict[str, Any]) -> None:
    schedule, known = schedule_of(settings), abar_by_hand(settings)
    assert len(schedule) == len(known) == len(schedule.abar)
    np.testing.assert_allclose(schedule.abar.numpy(), known, rtol=2e-4)


def test_noising_and_targets_are_those_of_the_papers() -> None:
    """z_t (Ho et al., 2020) and v (Salimans and Ho, 2022), every row at a time of its own."""
    a = abar_by_hand(SD)[TIMES.numpy()].reshape(3, 1, 1, 1)
    z, eps = LATENTS.numpy(), NOISE.numpy()
    for prediction, target in (
        ("epsilon", eps),
        ("v_prediction", np.sqrt(a) * eps - np.sqrt(1 - a) * z),
    ):
        schedule = schedule_of({**SD, "prediction_type": prediction})
        noisy = schedule.noisy(LATENTS, NOISE, TIMES)
        expected = np.sqrt(a) * z + np.sqrt(1 - a) * eps
        np.testing.assert_allclose(noisy, expected, rtol=1e-4, atol=1e-5)
        ours = schedule.target(LATENTS, NOISE, TIMES)
        np.testing.assert_allclose(ours, target, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_wrong_prediction_gives_the_papers_estimate_too(prediction: str) -> None:
    """Of any prediction, not of the right one alone: there all formulas meet in z."""
    a = abar_by_hand(SD)[TIMES.numpy()].reshape(3, 1, 1, 1)
    z_t, out = randn(3, 4, 2, 5, seed=2), randn(3, 4, 2, 5, seed=3)
    expected = (
        (z_t.numpy() - np.sqrt(1 - a) * out.numpy()) / np.sqrt(a)
        if prediction == "epsilon"
        else np.sqrt(a) * z_t.numpy() - np.sqrt(1 - a) * out.numpy()
    )
    ours = schedule_of({**SD, "prediction_type": prediction}).clean(z_t, out, TIMES)
    np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_clean_estimate_is_the_one_that_diffusers_samples_with(prediction: str) -> None:
    scheduler = DDPMScheduler(**SD, prediction_type=prediction, clip_sample=False)
    schedule = schedule_of({**SD, "prediction_type": prediction})
    for time in (3, 500, 970):
        theirs: Any = scheduler.step(NOISE[:1], time, LATENTS[:1])
        ours = schedule.clean(LATENTS[:1], NOISE[:1], torch.tensor([time]))
        torch.testing.assert_close(ours, theirs.pred_original_sample, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_clean_estimate_inverts_the_forward_process(prediction: str) -> None:
    schedule = made([0.99, 0.5, 0.01], prediction)
    latents, noise, times = LATENTS.double(), NOISE.double(), torch.tensor([2, 0, 1])
    noisy = schedule.noisy(latents, noise, times)
    target = schedule.target(latents, noise, times)
    torch.testing.assert_close(schedule.clean(noisy, target, times), latents)


def test_abar_counts_as_one_in_ten_thousand_where_it_is_less() -> None:
    """The division is by 0.01 there; just above the bound it is by the root itself."""
    schedule = made([0.25, 0.0004, 1e-6, 0.0], "epsilon")
    noisy, predicted = randn(4, 1, 1, 3, seed=4).double(), randn(4, 1, 1, 3, seed=5).double()
    spread = np.sqrt(1 - np.array([0.25, 0.0004, 1e-6, 0.0])).reshape(4, 1, 1, 1)
    divisor = np.array([0.5, 0.02, 0.01, 0.01]).reshape(4, 1, 1, 1)
    ours = schedule.clean(noisy, predicted, torch.arange(4))
    expected = (noisy.numpy() - spread * predicted.numpy()) / divisor
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_estimates_are_float32_at_least(prediction: str) -> None:
    """A bf16 prediction is widened before it is used; a float64 one is not cut."""
    z_t, out = randn(2, 4, 2, 5, seed=2), randn(2, 4, 2, 5, seed=3).bfloat16()
    times = torch.tensor([900, 300])
    schedule = schedule_of({**SD, "prediction_type": prediction})
    ours = schedule.clean(z_t, out, times)
    assert ours.dtype is torch.float32
    assert torch.equal(ours, schedule.clean(z_t, out.float(), times))
    a = made([0.3, 0.6], prediction)
    double = a.clean(z_t.double(), out.double(), torch.tensor([0, 1]))
    assert double.dtype is torch.float64
    assert not torch.equal(double.float().double(), double)


def test_gradients_pass_through_the_estimate() -> None:
    """dz0 / d prediction: -sqrt(1 - a) / sqrt(a) for noise, -sqrt(1 - a) for velocity."""
    for prediction, slope in (("epsilon", -np.sqrt(0.8 / 0.2)), ("v_prediction", -np.sqrt(0.8))):
        out = NOISE[:1].double().requires_grad_()
        estimate = made([0.2], prediction).clean(LATENTS[:1].double(), out, torch.tensor([0]))
        estimate.sum().backward()  # type: ignore[no-untyped-call]
        assert out.grad is not None
        np.testing.assert_allclose(out.grad, np.full(out.shape, slope), rtol=1e-9)


def test_settings_without_a_prediction_type_mean_noise_and_unknown_ones_are_refused() -> None:
    assert schedule_of(SD).prediction == "epsilon"
    assert schedule_of({**SD, "prediction_type": "v_prediction"}).prediction == "v_prediction"
    with pytest.raises(UserError) as error:
        schedule_of({"prediction_type": "sample"})
    assert str(error.value) == (
        "base model: its scheduler's prediction_type is 'sample'; known: epsilon, v_prediction"
    )


def test_a_schedule_goes_to_a_device_as_a_whole() -> None:
    schedule = schedule_of(SD)
    there = schedule.to(torch.device("meta"))
    assert there.abar.device.type == "meta" and there.prediction == "epsilon"
    assert there.scheduler.alphas_cumprod.device.type == "meta" and len(there) == 1000
