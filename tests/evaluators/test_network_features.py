"""Any network with one linear head: its features, and the head that turns them into logits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spurbench.contracts import LabelSpace, ModelFacts, Transform
from spurbench_evaluators.network.classifier import NetworkClassifier


def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


def classifier(network: nn.Module) -> NetworkClassifier:
    space = LabelSpace("made", "made", tuple("abcde"))
    facts = ModelFacts("made", 0, "0" * 64, "made")
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return NetworkClassifier(
        "made/x", network, space, Transform("crop", 16, 16), facts, mean, std, None
    )


def test_features_and_head_of_any_network_with_one_linear_head() -> None:
    plain = classifier(convolutional())
    images = torch.rand(2, 3, 16, 16, requires_grad=True)
    weight, bias = plain.head
    features = plain.features(images)
    torch.testing.assert_close(features @ weight.T + bias, plain.logits(images))
    features.sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None and images.grad.abs().sum() > 0
    doubled = nn.Sequential(convolutional(), nn.ReLU())
    with pytest.raises(TypeError, match="not the outputs of one linear layer"):
        classifier(doubled).features(images)
