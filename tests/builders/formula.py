"""Weights by formula: the same in every version of torch, so that they need not be stored."""

from __future__ import annotations

import math

import torch
from torch import nn


def filled(module: nn.Module) -> nn.Module:
    """The module with each parameter set from its name's place and its own size, in float32."""
    with torch.no_grad():
        for number, (name, parameter) in enumerate(sorted(module.named_parameters())):
            steps = torch.arange(parameter.numel(), dtype=torch.float64)
            wave = torch.sin(steps * 0.7391 + number * 1.3) + torch.cos(steps * steps * 0.0131)
            fan = parameter[0].numel() if parameter.dim() > 1 else 1
            scale = 0.02 if parameter.dim() == 1 else 1 / math.sqrt(fan)
            is_gain = parameter.dim() == 1 and name.endswith("weight")
            values = (wave * scale + (1 if is_gain else 0)).reshape(parameter.shape)
            parameter.copy_(values.float())
    return module
