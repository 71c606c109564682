"""The micro world's networks: timm's own classes at small sizes, described by data."""

from __future__ import annotations

from typing import Any

from timm.models.convnext import ConvNeXt
from timm.models.resnet import BasicBlock, ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import nn


def build_network(family: str, outputs: int, options: dict[str, Any]) -> nn.Module:
    """A timm network of the family (``resnet``, ``convnext``, ``vit``) with ``outputs`` logits.

    ``options`` are keyword arguments of timm's class. Raises KeyError for another family.
    """
    makers = {
        "resnet": lambda **kw: ResNet(BasicBlock, **kw),
        "convnext": ConvNeXt,
        "vit": VisionTransformer,
    }
    network: nn.Module = makers[family](num_classes=outputs, **options)
    return network
