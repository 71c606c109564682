"""The losses against plain numpy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spurbench_builders.method import losses


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def compared(made: torch.Tensor, anchor: str = "mean", **known: torch.Tensor) -> losses.Compared:
    refs = known.get("references", randn(3, 5, seed=2))
    weights = known.get("weights", torch.tensor([0.9, 0.2], dtype=torch.float64)[: len(made)])
    prior = known.get("prior", randn(len(made), 5, seed=3))
    return losses.Compared(made, refs, refs[: len(made)], prior, weights, anchor)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_ldm_loss_is_the_mean_of_the_squares() -> None:
    predicted = torch.tensor([[[[1.0, -2.0, 0.5]]], [[[0.0, 4.0, 3.0]]]])
    target = torch.tensor([[[[0.0, 1.0, 0.5]]], [[[2.0, 4.0, -3.0]]]])
    assert losses.ldm_loss(predicted, target).item() == pytest.approx((1 + 9 + 0 + 4 + 0 + 36) / 6)


def test_the_ldm_loss_squares_in_float32_at_least() -> None:
    predicted, target = randn(2, 4, 3, 5).bfloat16(), randn(2, 4, 3, 5, seed=1).float()
    value = losses.ldm_loss(predicted, target)
    gap = predicted.float().numpy().astype(np.float64) - target.numpy()
    assert value.dtype is torch.float32
    assert value.item() == pytest.approx(float(np.mean(gap**2)), rel=1e-6)
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    assert losses.ldm_loss(one + 1e-9, one).item() == pytest.approx(1e-18, rel=1e-6, abs=0)


def test_the_gradient_of_the_ldm_loss_is_on_the_prediction() -> None:
    predicted, target = randn(2, 4, 3, 5).requires_grad_(), randn(2, 4, 3, 5, seed=1)
    losses.ldm_loss(predicted, target).backward()  # type: ignore[no-untyped-call]
    assert predicted.grad is not None
    torch.testing.assert_close(predicted.grad, 2 * (predicted.detach() - target) / 120)


def test_psi_is_the_features_by_the_classs_weight() -> None:
    features, weight = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, 0.0]]), torch.tensor([2.0, -3, 0])
    assert losses.class_features(features, weight).tolist() == [[2, 6, 0], [1, -12, 0]]


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
    attracted, contrasted = (losses.READINGS[r](given_).item() for r in ("attract", "contrast"))
    assert attracted == pytest.approx(np.mean(weights.numpy() * (1 - cosines)))
    assert contrasted == pytest.approx(np.mean(weights.numpy() * cosines))


def test_the_printed_reading_is_eq_5_to_the_letter_and_constant() -> None:
    made = randn(2, 5).requires_grad_()
    given_ = compared(made)
    value = losses.READINGS["printed"](given_)
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
    assert losses.total(ldm, nan, torch.tensor(3.0), 0.0, 0.5).item() == 2.5
    assert losses.total(ldm, torch.tensor(2.0), nan, 0.25, 0.0).item() == 1.5
    assert losses.total(ldm, torch.tensor(2.0), torch.tensor(3.0), 0.25, 0.5).item() == 3.0


def test_the_total_passes_gradients_by_its_weights() -> None:
    ldm, prior, similarity = (torch.tensor(x, requires_grad=True) for x in (1.0, 2.0, 3.0))
    losses.total(ldm, prior, similarity, 0.25, 0.5).backward()  # type: ignore[no-untyped-call]
    gradients = [t.grad for t in (ldm, prior, similarity)]
    assert [None if g is None else float(g) for g in gradients] == [1.0, 0.25, 0.5]


def test_decoded_pictures_come_to_the_unit_range_with_gradients_inside_it() -> None:
    decoded = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.6, 1.0, 1.5], requires_grad=True)
    pictures = losses.to_unit_range(decoded)
    assert pictures.tolist() == pytest.approx([0, 0, 0.25, 0.5, 0.8, 1, 1])
    pictures.sum().backward()  # type: ignore[no-untyped-call]
    assert decoded.grad is not None
    assert decoded.grad[[0, 2, 3, 4, 6]].tolist() == [0, 0.5, 0.5, 0.5, 0]


@pytest.mark.parametrize("anchor", ["mean", "nearest"])
def test_features_however_small_have_their_direction(anchor: str) -> None:
    """The cosine's guard against zero is far below what networks give."""
    made, references = randn(2, 5), randn(3, 5, seed=2)
    small = compared(made * 1e-3, anchor, references=references * 1e-3)
    torch.testing.assert_close(small.cosines(), compared(made, anchor).cosines())
