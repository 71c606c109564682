"""One fine-tuning of ours in this process, with step times and memory.

python -m tests.bench.train_ours WORKLOAD KAPPA REPORT [--flops]
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path
from typing import cast

import torch
from torch.utils.flop_counter import FlopCounterMode

from spurbench.contracts import FeatureClassifier
from spurbench_builders.method.batches import TrainingSet, training_set
from spurbench_builders.method.finetune import finetune
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.models.networks import load_network
from tests.bench.clock import StepClock, write_report
from tests.bench.workload import NOUN, Workload, load_workload, read_pictures

SIDES = {"cpu": 2048, "cuda": 8192}
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load_parts(workload: Workload) -> tuple[BaseModel, FeatureClassifier]:
    """The base model and the robust network, on the workload's device."""
    device = torch.device(workload.device)
    robust = load_network(workload.recipe.similarity.robust, device)
    return load_base_model(workload.base).to(device), cast(FeatureClassifier, robust)


def read_data(
    workload: Workload, model: BaseModel, robust: FeatureClassifier, kappa: float
) -> TrainingSet:
    """The workload's pictures and prompts as finetune takes them."""
    pictures = read_pictures(workload.references), read_pictures(workload.priors)
    words = (workload.recipe.prompt.identifier, NOUN)
    return training_set(model, robust, 0, *pictures, workload.prompts, words, kappa)


def matrix_rate(device: str, precision: str) -> float:
    """Operations a second of a large square matrix product, the best of five."""
    side = SIDES[device]
    a = torch.randn(side, side, device=device, dtype=PRECISIONS[precision])
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return float(2 * side**3 / min(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("workload", type=Path)
    parser.add_argument("kappa", type=float)
    parser.add_argument("report", type=Path)
    parser.add_argument("--flops", action="store_true", help="count one more step's operations")
    options = parser.parse_args()
    workload = load_workload(options.workload)
    steps = workload.recipe.training.steps
    model, robust = load_parts(workload)
    began = time.perf_counter()
    data = read_data(workload, model, robust, options.kappa)
    encoding = time.perf_counter() - began
    clock = StepClock(steps)
    recipe = workload.with_training(steps=steps + options.flops).recipe
    training = finetune(model, robust, data, recipe, 0, None)
    logs = list(itertools.islice(training, steps))
    report = clock.report()
    report["encoding_seconds_a_picture"] = encoding / (len(data.references) + len(data.priors))
    report["steps_with_similarity"] = sum(log.similarity != 0 for log in logs)
    if options.flops:
        with FlopCounterMode(display=False) as counter:
            next(training)
        report["flops_a_step"] = counter.get_total_flops()
        report["matrix_flops_a_second"] = matrix_rate(workload.device, recipe.training.precision)
    write_report(options.report, report)


if __name__ == "__main__":
    main()
