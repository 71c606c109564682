"""A training loop that can be killed at any step and goes on from its last checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

Loss = Callable[[torch.Generator, int], Tensor]


def train(
    name: str,
    model: nn.Module,
    loss: Loss,
    *,
    steps: int,
    rate: float,
    work: Path,
    seed: int,
    weight_decay: float = 0.05,
    average: float = 0.0,
    every: int = 100,
) -> nn.Module:
    """Train with AdamW under a one-cycle rate; ``loss(generator, step)`` draws its own batch.

    With ``average`` above 0 the returned weights are an exponential moving average. A finished
    run leaves its checkpoint; calling again returns the trained model at once.
    """
    path = work / f"{name}.pt"
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.1, final_div_factor=100.0
    )
    smooth = {k: v.detach().clone() for k, v in model.state_dict().items()} if average else {}
    start = 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        generator.set_state(state["generator"])
        torch.set_rng_state(state["rng"])
        smooth, start = state["smooth"], state["step"]
    began, mean = time.time(), 0.0
    for step in range(start, steps):
        model.train()
        value = loss(generator, step)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if average:
            _follow(smooth, model, min(average, (1 + step) / (10 + step)))
        mean += (value.item() - mean) / (step % every + 1)
        if (step + 1) % every == 0 or step + 1 == steps:
            _save(path, model, optimiser, schedule, generator, smooth, step + 1)
            seconds = (time.time() - began) / (step + 1 - start)
            print(f"{name} {step + 1}/{steps} loss {mean:.4f} {seconds:.3f} s/step", flush=True)
            mean = 0.0
    if average:
        model.load_state_dict(smooth)
    return model.eval()


@torch.no_grad()
def _follow(smooth: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    for key, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            smooth[key].lerp_(value, 1 - decay)
        else:
            smooth[key].copy_(value)


def _save(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    generator: torch.Generator,
    smooth: dict[str, Tensor],
    step: int,
) -> None:
    part = path.with_suffix(".part")
    torch.save(
        {
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
            "generator": generator.get_state(),
            "rng": torch.get_rng_state(),
            "smooth": smooth,
            "step": step,
        },
        part,
    )
    part.rename(path)
