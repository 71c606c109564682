"""Classifiers for tests, whose answers are known; also loaded as python/tests.evaluators.fakes:NAME."""

from __future__ import annotations

import os
import time
import weakref
from pathlib import Path

import torch
from torch import nn

from spurbench.contracts import LabelSpace, ModelFacts, Transform
from spurbench_evaluators.network.classifier import NetworkClassifier


def micro_labels(outputs: int = 12, domain: str = "micro") -> LabelSpace:
    return LabelSpace("micro", domain, tuple(f"class {i}" for i in range(outputs)))


class Fake:
    """Calls every picture by one label, with a logit that depends on the picture."""

    def __init__(self, label: int = 5, outputs: int = 12, domain: str = "micro") -> None:
        self.spec = f"fake/{label}"
        self.label_space = micro_labels(outputs, domain)
        self.transform = Transform("crop", 8, 8)
        self.facts = ModelFacts("fake", 0, "0" * 64, "made")
        self.label = label
        self.fill: float | None = None
        self.batches: list[int] = []

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        out = torch.zeros(len(images), len(self.label_space.names))
        out[:, self.label] = 1 + images.mean(dim=(1, 2, 3))
        return out if self.fill is None else torch.full_like(out, self.fill)


class Hungry(Fake):
    """Runs out of memory above ``most`` pictures at once."""

    def __init__(self, most: int, error: Exception | None = None) -> None:
        super().__init__()
        self.most = most
        self.error = error or torch.OutOfMemoryError("CUDA out of memory")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > self.most:
            raise self.error
        return super().logits(images)


def small_network(outputs: int = 12, seed: int = 0) -> NetworkClassifier:
    """A random network with a convolution and a linear head, as a classifier of the micro world."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2),
        nn.BatchNorm2d(16),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, outputs),
    )
    return NetworkClassifier(
        f"fake/network{seed}",
        network,
        micro_labels(outputs),
        Transform("crop", 32, 36),
        ModelFacts("network", 100, f"{seed:064d}", "made"),
        (0.5,) * 3,
        (0.25,) * 3,
    )


def slow(weights: Path | None = None) -> Fake:
    """Takes SPURBENCH_TEST_SECONDS a batch."""
    seconds = float(os.environ.get("SPURBENCH_TEST_SECONDS", "0"))

    class Slow(Fake):
        def logits(self, images: torch.Tensor) -> torch.Tensor:
            time.sleep(seconds)
            return super().logits(images)

    return Slow()


def nan(weights: Path | None = None) -> Fake:
    """Gives NaN."""
    broken = Fake()
    broken.fill = float("nan")
    return broken


def headless(weights: Path | None = None) -> Fake:
    """Gives 7 outputs for 12 labels."""
    broken = Fake()
    broken.logits = lambda images: torch.zeros(len(images), 7)  # type: ignore[method-assign]
    return broken


def failing(weights: Path | None = None) -> Fake:
    """Fails at the fifth picture it is shown together with others."""

    class Failing(Fake):
        def logits(self, images: torch.Tensor) -> torch.Tensor:
            if sum(n for n in self.batches if n > 1) >= 5:
                raise LookupError("a fault of the model's")
            return super().logits(images)

    return Failing()


LIVING: weakref.WeakSet[nn.Module] = weakref.WeakSet()


def lone(weights: Path | None = None) -> NetworkClassifier:
    """A network that knows itself, and so lives until it is collected; fails to load while another
    lives. With weights called ``broken`` it fails when it is run."""
    if LIVING:
        raise RuntimeError(f"{len(LIVING)} networks still live")
    made = small_network()
    made.network.__dict__["itself"] = made.network
    LIVING.add(made.network)
    made.spec = f"fake/lone {weights}"
    if weights is not None and weights.stem == "broken":

        class Broken(NetworkClassifier):
            def logits(self, images: torch.Tensor) -> torch.Tensor:
                if len(images) > 2:  # more than the self-test's two
                    raise LookupError("a fault of the model's\nin two lines")
                return super().logits(images)

        made.__class__ = Broken
    return made


def stopped(weights: Path | None = None) -> Fake:
    """Is interrupted as by Ctrl-C."""
    raise KeyboardInterrupt
