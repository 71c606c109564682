"""The losses against plain numpy and finite differences, and what their gradients reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spurbench_builders import losses


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_clean_latents_invert_the_forward_process() -> None:
    latents, noise = randn(3, 4, 2, 2), randn(3, 4, 2, 2, seed=1)
    abar = torch.tensor([0.99, 0.5, 0.01], dtype=torch.float64)
    a = abar.view(-1, 1, 1, 1)
    noisy = a.sqrt() * latents + (1 - a).sqrt() * noise
    torch.testing.assert_close(losses.clean_latents(noisy, noise, abar), latents)


def test_psi_and_similarity_equal_plain_numpy() -> None:
    features, weight, references = randn(2, 5), randn(5, seed=1), randn(3, 5, seed=2)
    abar = torch.tensor([0.9, 0.2], dtype=torch.float64)
    psi = features.numpy() * weight.numpy()
    centre = (references.numpy() * weight.numpy()).mean(axis=0)
    cosines = psi @ centre / np.linalg.norm(psi, axis=1) / np.linalg.norm(centre)
    made = losses.class_features(features, weight)
    anchors = losses.class_features(references, weight)
    assert losses.attract(made, anchors, abar).item() == pytest.approx(
        np.mean(abar.numpy() * (1 - cosines))
    )
    assert losses.contrast(made, anchors, abar).item() == pytest.approx(
        np.mean(abar.numpy() * cosines)
    )


@pytest.mark.parametrize("reading", losses.READINGS)
def test_gradients_equal_finite_differences(reading: str) -> None:
    made, references = randn(2, 5).requires_grad_(), randn(3, 5, seed=2)
    abar = torch.tensor([0.9, 0.2], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda m: losses.READINGS[reading](m, references, abar), (made,)
    )


def test_pictures_alike_have_no_pull_and_zero_features_no_nan() -> None:
    references = randn(1, 5)
    abar = torch.ones(1, dtype=torch.float64)
    assert losses.attract(references * 3, references, abar).item() == pytest.approx(0, abs=1e-12)
    zero = torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)
    value = losses.attract(zero, references, abar)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.isfinite() and zero.grad is not None and zero.grad.isfinite().all()


def test_a_weight_of_zero_leaves_its_term_out() -> None:
    ldm, nan = torch.tensor(1.0), torch.tensor(float("nan"))
    assert losses.total(ldm, nan, nan, 0.0, 0.0).item() == 1.0
    assert losses.total(ldm, torch.tensor(2.0), torch.tensor(3.0), 1.0, 0.5).item() == 4.5
