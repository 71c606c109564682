"""Real ImageNet classifiers that need settings of their own, as users would bring them (python/...)."""

from __future__ import annotations

from pathlib import Path

import timm
from timm.data import ImageNetInfo
from torch import nn

from spurbench.contracts import LabelSpace, ModelFacts, Transform
from spurbench_evaluators.network.classifier import NetworkClassifier, count_parameters
from spurbench_evaluators.network.weights import load_strictly

SIGNED = (0.5019607843137255,) * 3


def efficientnet_lite0(weights: Path) -> NetworkClassifier:
    """EfficientNet-Lite0 with its authors' normalisation, which timm's rounds to 0.5."""
    return _wrap(timm.create_model("tf_efficientnet_lite0"), weights, 224, (127 / 255,) * 3, SIGNED)


def mobilenet_v2(weights: Path) -> NetworkClassifier:
    """Coral's MobileNet V2, dequantised: TensorFlow's padding, pixels to [-1, 1]."""
    return _wrap(
        timm.create_model("mobilenetv2_100", pad_type="same"), weights, 224, SIGNED, SIGNED
    )


def mobilenet_v1_050(weights: Path) -> NetworkClassifier:
    """Coral's MobileNet V1 at half width."""
    from timm.models.efficientnet import _gen_mobilenet_v1

    network = _gen_mobilenet_v1("mobilenetv1_100", 0.5, pad_type="same")
    return _wrap(network, weights, 160, SIGNED, SIGNED)


def squeezenet(weights: Path) -> NetworkClassifier:
    """SqueezeNet 1.1 as its authors trained it: the last convolution is padded."""
    from torchvision.models import squeezenet1_1

    network = squeezenet1_1()
    network.classifier[1].padding = (1, 1)
    return _wrap(network, weights, 227, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _wrap(
    network: nn.Module,
    weights: Path,
    size: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> NetworkClassifier:
    digest = load_strictly(network, weights)
    names = tuple(ImageNetInfo("imagenet-1k").label_names())
    return NetworkClassifier(
        f"python/{weights.stem}",
        network,
        LabelSpace("imagenet-1k", "imagenet", names),
        Transform("crop", size, int(size / 0.875)),
        ModelFacts(weights.stem, count_parameters(network), digest, weights.name),
        mean,
        std,
    )
