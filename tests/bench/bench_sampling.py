"""Our sampler against a plain StableDiffusionPipeline call with the same seeds.

Both load the same base model and make the same pictures in the same batches, in turns, each first
in every other round; seconds include everything from prompt to 8-bit picture.

python -m tests.bench.bench_sampling --size micro [--pictures 25] [--steps 25] [--rounds 7] \
    [--device cuda --precision bf16] [--record docs/runs/bench-sampling.json]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from spurbench_builders.method.sampling import sample
from spurbench_builders.models.base import load_base_model
from spurbench_builders.recipes.model import Sampling
from tests.bench.environment import environment, update_record
from tests.bench.train_ours import PRECISIONS
from tests.bench.workload import SIZES, Workload, make_workload

OURS, THEIRS = "ours", "pipeline"
Maker = Callable[[str, list[int]], list[Image.Image]]


def our_maker(workload: Workload, settings: Sampling) -> Maker:
    """Our sampler on the workload's base model."""
    model = load_base_model(workload.base).to(torch.device(workload.device))

    def make(prompt: str, seeds: list[int]) -> list[Image.Image]:
        return [p for batch in sample(model, prompt, seeds, settings) for p in batch]

    return make


def their_maker(workload: Workload, settings: Sampling) -> Maker:
    """The pipeline as its users call it, a generator a picture."""
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        workload.base, safety_checker=None, dtype=PRECISIONS[settings.precision]
    ).to(workload.device)
    pipeline.set_progress_bar_config(disable=True)

    def make(prompt: str, seeds: list[int]) -> list[Image.Image]:
        pictures: list[Image.Image] = []
        for start in range(0, len(seeds), settings.batch):
            part = seeds[start : start + settings.batch]
            pictures += pipeline(
                [prompt] * len(part),
                num_inference_steps=settings.steps,
                guidance_scale=settings.guidance,
                generator=[torch.Generator().manual_seed(seed) for seed in part],
            ).images
        return pictures

    return make


def timed(make: Maker, prompt: str, seeds: list[int]) -> tuple[list[Image.Image], float, float]:
    """Pictures, and the wall and CPU seconds they took."""
    began, cpu = time.perf_counter(), time.process_time()
    pictures = make(prompt, seeds)
    return pictures, time.perf_counter() - began, time.process_time() - cpu


def largest_gap(some: list[Image.Image], others: list[Image.Image]) -> int:
    """Grey levels between the two, at most."""
    pairs = zip(some, others, strict=True)
    return max(int(np.abs(np.asarray(a, int) - np.asarray(b, int)).max()) for a, b in pairs)


def compare(makers: dict[str, Maker], prompt: str, seeds: list[int], rounds: int) -> dict[str, Any]:
    """Each maker's seconds over the rounds, after one that does not count, and the pictures' gap."""
    wall: dict[str, list[float]] = {name: [] for name in makers}
    cpu: dict[str, list[float]] = {name: [] for name in makers}
    first = {name: make(prompt, seeds) for name, make in makers.items()}
    for k in range(rounds):
        for name in sorted(makers, reverse=bool(k % 2)):
            _, seconds, cpu_seconds = timed(makers[name], prompt, seeds)
            wall[name].append(seconds)
            cpu[name].append(cpu_seconds)
    median, cpu_median = (
        {name: statistics.median(found) for name, found in kind.items()} for kind in (wall, cpu)
    )
    return {
        "median_seconds": median,
        "median_cpu_seconds": cpu_median,
        "images_a_second": {name: len(seeds) / seconds for name, seconds in median.items()},
        "ratio": median[OURS] / median[THEIRS],
        "cpu_ratio": cpu_median[OURS] / cpu_median[THEIRS],
        "ratio_of_rounds": [a / b for a, b in zip(wall[OURS], wall[THEIRS], strict=True)],
        "largest_grey_gap": largest_gap(first[OURS], first[THEIRS]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="micro")
    parser.add_argument("--pictures", type=int, default=25)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--folder", type=Path, help="where random weights stay for another run")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        workload = make_workload(options.size, folder, steps=1, device=options.device)
        shipped = workload.recipe.sampling.model_dump()
        changed = {"steps": options.steps, "precision": options.precision}
        settings = Sampling.model_validate(shipped | changed)
        makers = {
            OURS: our_maker(workload, settings),
            THEIRS: their_maker(workload, settings),
        }
        prompt, seeds = workload.prompts[0], list(range(options.pictures))
        found = compare(makers, prompt, seeds, options.rounds)
    found |= {
        "pictures": options.pictures,
        "rounds": options.rounds,
        "sampling": settings.model_dump(mode="json"),
        "environment": environment(options.device),
    }
    print(found)
    if options.record:
        key = f"{options.size} {options.device} {options.precision}"
        update_record(options.record, key, found)


if __name__ == "__main__":
    main()
