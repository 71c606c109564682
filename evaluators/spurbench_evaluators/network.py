"""A torch network as a spurbench classifier."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spurbench.contracts import LabelSpace, ModelFacts, Transform


class NetworkClassifier:
    """Normalises (N, 3, H, W) images in [0, 1] with ``mean`` and ``std`` and applies a timm network.

    Fulfils FeatureClassifier for any timm network whose head ends in one linear layer.
    """

    def __init__(
        self,
        spec: str,
        network: nn.Module,
        label_space: LabelSpace,
        transform: Transform,
        facts: ModelFacts,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        self.spec = spec
        self.network = network.eval().requires_grad_(False)
        self.label_space = label_space
        self.transform = transform
        self.facts = facts
        self._mean = torch.tensor(mean).view(1, -1, 1, 1)
        self._std = torch.tensor(std).view(1, -1, 1, 1)

    def logits(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] to (N, K)."""
        logits: Tensor = self.network(self._normalised(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Penultimate features phi(x), (N, D); gradients reach the images."""
        maps = self.network.forward_features(self._normalised(images))  # type: ignore[operator]
        pooled: Tensor = self.network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return pooled

    @property
    def head(self) -> tuple[Tensor, Tensor]:
        """Weight (K, D) and bias (K,) of the last linear layer."""
        linear = self.network.get_classifier()  # type: ignore[operator]
        if not isinstance(linear, nn.Linear):
            raise TypeError(f"{self.spec}: its head is {type(linear).__name__}, not linear")
        bias = linear.bias if linear.bias is not None else torch.zeros(linear.out_features)
        return linear.weight, bias

    def _normalised(self, images: Tensor) -> Tensor:
        return (images - self._mean.to(images)) / self._std.to(images)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable and frozen parameters."""
    return sum(p.numel() for p in network.parameters())
