"""A network as a classifier: what reaches it, its features and its head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spurbench.contracts import LabelSpace, ModelFacts, Normalisation, Transform
from spurbench_evaluators.network.classifier import RAW, NetworkClassifier, count_parameters

MEAN, STD = (0.6, 0.4, 0.2), (0.2, 0.3, 0.5)


class Recorder(nn.Module):
    """Passes its pictures on through a layer, and keeps them."""

    def __init__(self, rest: nn.Module | None = None) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.rest = rest or nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 5))

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        outputs: Tensor = self.rest(images)
        return outputs


def classifier(
    network: nn.Module,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
    reaches: Normalisation | None = None,
    outputs: int = 5,
) -> NetworkClassifier:
    space = LabelSpace("made", "made", tuple("abcdefgh"[:outputs]))
    facts = ModelFacts("made", 3, "1" * 64, "made")
    return NetworkClassifier(
        "made/x", network, space, Transform("crop", 4, 6), facts, mean, std, reaches
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_is_fed_each_channel_less_its_mean_by_its_deviation_once(
    dtype: torch.dtype,
) -> None:
    network = Recorder()
    network.to(dtype)
    images = torch.rand(2, 3, 4, 4, dtype=dtype)
    kept = images.clone()
    outputs = classifier(network).logits(images)
    expected = images.numpy().astype(np.float64)
    for channel in range(3):
        expected[:, channel] = (expected[:, channel] - MEAN[channel]) / STD[channel]
    (seen,) = network.seen
    assert seen.dtype == dtype
    np.testing.assert_allclose(seen.numpy(), expected, atol=1e-6)
    torch.testing.assert_close(outputs, network.rest(seen))
    assert torch.equal(images, kept), "the caller's pictures stay as they are"


def test_what_a_classifier_says_of_itself() -> None:
    network = Recorder().train()
    made = classifier(network)
    assert made.normalisation == Normalisation(MEAN, STD)
    assert (made.spec, made.transform, made.facts.parameters) == (
        "made/x",
        Transform("crop", 4, 6),
        3,
    )
    assert made.label_space.names == tuple("abcde") and made.network is network
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    reaches = Normalisation((0.1,) * 3, (0.2,) * 3)
    inside = classifier(Recorder(), RAW.mean, RAW.std, reaches)
    assert inside.normalisation == reaches
    images = torch.rand(1, 3, 4, 4)
    inside.logits(images)
    assert torch.equal(inside.network.seen[0], images)  # type: ignore[index]


class TwoHeads(nn.Module):
    """Two linear layers of the head's width; the logits are the second's, or their sum."""

    def __init__(self, *, both: bool = False, bias: bool = True) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(48, 5), nn.Linear(5, 5, bias=bias)
        self.both = both

    def forward(self, images: Tensor) -> Tensor:
        first: Tensor = self.first(images.flatten(1))
        second: Tensor = self.second(first)
        return first + second if self.both else second


@pytest.mark.parametrize("bias", [True, False])
def test_features_and_head_give_the_logits_back(bias: bool) -> None:
    torch.manual_seed(0)
    network = TwoHeads(bias=bias)
    made = classifier(network)
    images = torch.rand(3, 3, 4, 4, requires_grad=True)
    weight, offset = made.head
    assert weight is network.second.weight and offset.shape == (5,)
    assert bias or not offset.any()
    features = made.features(images)
    normalised = (images - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    torch.testing.assert_close(features, network.first(normalised.flatten(1)))
    torch.testing.assert_close(features @ weight.T + offset, made.logits(images))
    features.sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_the_hooks_are_gone_afterwards() -> None:
    network = TwoHeads()
    made = classifier(network)
    made.features(torch.rand(1, 3, 4, 4))
    for layer in (network.first, network.second):
        assert not layer._forward_hooks and not layer._forward_pre_hooks
    broken = classifier(nn.Sequential(nn.Flatten(), nn.Linear(3, 5)))
    with pytest.raises(RuntimeError):
        broken.features(torch.rand(1, 3, 4, 4))
    assert not broken.network[1]._forward_hooks  # type: ignore[index]


class Twice(nn.Module):
    """Uses its one layer twice; the last use gives the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 5)

    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.layer(self.layer(images.flatten(1)[:, :5]).relu())
        return outputs


def test_of_a_layer_that_is_used_twice_the_last_use_counts() -> None:
    torch.manual_seed(1)
    made = classifier(Twice())
    images = torch.rand(2, 3, 4, 4)
    weight, bias = made.head
    torch.testing.assert_close(made.features(images) @ weight.T + bias, made.logits(images))


class Tokens(nn.Module):
    """Its head sees every one of 16 places; the logits are their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.layer(images.flatten(2).transpose(1, 2)).mean(dim=1)
        return outputs


@pytest.mark.parametrize("network", [TwoHeads(both=True), Tokens()])
def test_logits_that_are_not_one_linear_layers_have_no_features(network: nn.Module) -> None:
    made = classifier(network)
    with pytest.raises(TypeError) as error:
        made.features(torch.rand(1, 3, 4, 4))
    assert str(error.value) == "made/x: its logits are not the outputs of one linear layer"


def test_parameters_are_counted_frozen_or_not() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    network[0].requires_grad_(False)
    assert count_parameters(network) == (3 * 4 * 9 + 4) + (4 + 4) + (4 * 2 + 2)
