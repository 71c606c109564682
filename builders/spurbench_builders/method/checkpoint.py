"""Checkpoints of a training run, from which it goes on to the same bits, and its trained weights."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor

from spurbench.files import whole_file
from spurbench_builders.models.base import BaseModel

from .trainables import Trainee


def save_checkpoint(
    path: Path,
    trainee: Trainee,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    step: int,
    average: EMAModel | None = None,
) -> None:
    """Write weights in training, their average, optimiser, random states and the number of steps done."""
    state = {
        "weights": {n: p.detach() for n, p in trainee.named_parameters().items()},
        "optimiser": optimiser.state_dict(),
        "generator": generator.get_state(),
        "global": torch.get_rng_state(),  # dropout draws from it
        "step": step,
        "average": average.state_dict() if average else None,
    }
    try:
        with whole_file(path) as file:  # streamed: at SD's size this is 12 GB
            torch.save(state, file)
    except RuntimeError as error:  # torch hides a full disk behind its own complaint
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def restore_checkpoint(
    path: Path | None,
    trainee: Trainee,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    average: EMAModel | None = None,
) -> int:
    """Put a checkpoint's state back, exactly, and return the number of steps done: 0 without one, or
    with one that something has damaged since it was written, which is then as good as none."""
    state = _whole(path, trainee)
    if state is None:
        return 0
    with torch.no_grad():
        for name, parameter in trainee.named_parameters().items():
            parameter.copy_(state["weights"][name])
    optimiser.load_state_dict(state["optimiser"])
    if average:
        average.load_state_dict(state["average"])
    # map_location moved the random states too, but generators take theirs from the CPU alone.
    generator.set_state(state["generator"].cpu())
    torch.set_rng_state(state["global"].cpu())
    return int(state["step"])


def _whole(path: Path | None, trainee: Trainee) -> dict[str, Any] | None:
    """A checkpoint of the trainee's; None where there is none that can be read and is its."""
    if path is None or not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as archive:  # whose checksums torch does not look at
            if archive.testzip() is not None:
                return None
        state: Any = torch.load(path, weights_only=True, map_location=trainee.model.device)
        shapes = {name: weight.shape for name, weight in state["weights"].items()}
    except Exception:  # noqa: BLE001 - whatever a broken file makes the reader raise
        return None
    wanted = {name: weight.shape for name, weight in trainee.named_parameters().items()}
    parts = {"weights", "optimiser", "generator", "global", "step", "average"}
    return cast(dict[str, Any], state) if shapes == wanted and parts <= set(state) else None


def trained_state(model: BaseModel) -> dict[str, Tensor]:
    """Weights of U-Net and text encoder, by module and name."""
    parts = {"unet": model.unet, "text_encoder": model.text_encoder}
    return {
        f"{part}.{k}": v.contiguous()  # safetensors stores no strides
        for part, m in parts.items()
        for k, v in m.state_dict().items()
    }


def load_trained_state(model: BaseModel, state: dict[str, Tensor]) -> None:
    """Put weights from trained_state back, strictly."""
    for part, module in (("unet", model.unet), ("text_encoder", model.text_encoder)):
        prefix = f"{part}."
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )
