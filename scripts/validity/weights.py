"""The zoo's weights as they are kept and measured: a byte each, so that all of them fit the repository."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

FOLDER = Path(__file__).with_name("zoo")
SCALE = ".scale"
LARGEST = 127


def packed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Kernels and matrices (O, ...) as int8 with one scale an output; the rest as float16."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            found[name] = tensor
        elif tensor.dim() < 2:
            found[name] = tensor.half()
        else:
            rows = tensor.flatten(1)  # (O, rest)
            scale = (rows.abs().amax(dim=1) / LARGEST).clamp(min=torch.finfo(rows.dtype).tiny)
            steps = (rows / scale[:, None]).round()
            found[name] = steps.to(torch.int8).reshape(tensor.shape)
            found[name + SCALE] = scale
    return found


def unpacked(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The float32 state that ``packed`` rounded."""
    found: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        if name.endswith(SCALE):
            continue
        if tensor.dtype == torch.int8:
            scale = stored[name + SCALE].reshape(-1, *[1] * (tensor.dim() - 1))
            found[name] = tensor.float() * scale
        else:
            found[name] = tensor.float() if tensor.is_floating_point() else tensor
    return found


def keep(name: str, state: dict[str, Tensor]) -> None:
    """Put a trained member beside this module."""
    FOLDER.mkdir(exist_ok=True)
    save_file({k: v.contiguous() for k, v in packed(state).items()}, file_of(name))


def kept(name: str) -> dict[str, Tensor] | None:
    """A member's weights, or None while it is not trained."""
    file = file_of(name)
    return unpacked(load_file(file)) if file.exists() else None


def file_of(name: str) -> Path:
    """Where a member's weights are kept."""
    return FOLDER / f"{name}.safetensors"
