"""A torch network as a spurbench classifier."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor, nn

from spurbench.contracts import LabelSpace, ModelFacts, Normalisation, Transform

RAW = Normalisation((0.0,) * 3, (1.0,) * 3)


class NetworkClassifier:
    """Normalises (N, 3, H, W) images in [0, 1] with ``mean`` and ``std`` and applies a network.

    Fulfils FeatureClassifier for any network whose logits come from one linear layer.
    ``shared`` says that several threads may run the network at once: its forward passes keep
    nothing in it. ``reaches`` is what the network's first layer is to be fed where the network scales its input
    itself; without it that is the normalisation applied here. The self-test compares.
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
        reaches: Normalisation | None = None,
        *,
        shared: bool = False,
    ) -> None:
        self.spec = spec
        self.network = network.eval().requires_grad_(False)
        self.label_space = label_space
        self.transform = transform
        self.facts = facts
        self.shared = shared
        self.normalisation: Normalisation | None = reaches or Normalisation(tuple(mean), tuple(std))
        self._mean = torch.tensor(mean).view(1, -1, 1, 1)  # (1, 3, 1, 1)
        self._std = torch.tensor(std).view(1, -1, 1, 1)  # (1, 3, 1, 1)

    def logits(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] to (N, K)."""
        logits: Tensor = self.network(self._normalised(images))  # (N, K)
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Penultimate features phi(x), (N, D): what the head is fed; gradients reach the images."""
        caught: list[Tensor] = []
        hook = self._linear.register_forward_pre_hook(lambda _, fed: caught.append(fed[0]))
        try:
            self.logits(images)
        finally:
            hook.remove()
        return caught[-1]  # (N, D); the last call, should the network use the layer more than once

    @property
    def head(self) -> tuple[Tensor, Tensor]:
        """Weight (K, D) and bias (K,) of the linear layer that the logits come from.

        TypeError where the logits are not the outputs of one linear layer.
        """
        linear = self._linear
        bias = linear.bias if linear.bias is not None else torch.zeros(linear.out_features)
        return linear.weight, bias

    @cached_property
    def _linear(self) -> nn.Linear:
        """The linear layer whose outputs the logits are, told by running one picture."""
        made: list[tuple[nn.Linear, Tensor, Tensor]] = []
        hooks = [
            module.register_forward_hook(lambda m, fed, out: made.append((m, fed[0], out)))
            for module in self.network.modules()
            if isinstance(module, nn.Linear) and module.out_features == len(self.label_space.names)
        ]
        size = self.transform.size
        try:
            with torch.no_grad():
                logits = self.logits(next(self.network.parameters()).new_zeros(1, 3, size, size))
        finally:
            for hook in hooks:
                hook.remove()
        # Equal to the last bit: what merely has the head's width (a second head) gives other numbers.
        for linear, fed, outputs in made:  # fed (1, D), outputs (1, K)
            if fed.ndim == 2 and outputs.shape == logits.shape and torch.equal(outputs, logits):
                return linear
        raise TypeError(f"{self.spec}: its logits are not the outputs of one linear layer")

    def _normalised(self, images: Tensor) -> Tensor:
        return (images - self._mean.to(images)) / self._std.to(images)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable and frozen parameters."""
    return sum(p.numel() for p in network.parameters())
