"""Our fine-tuning against diffusers' examples/dreambooth/train_dreambooth.py, side by side.

Both train all of U-Net and text encoder on the same models, pictures and settings, one reference
and one prior picture a step, each in a fresh process, in turns.

python -m tests.bench.bench_train --script train_dreambooth.py --tag v0.40.0 --size micro \
    [--rounds 3] [--steps 40] [--device cuda --precision bf16] [--record docs/runs/bench-train.json]

The script is not part of this project: take it from diffusers' repository at the tag that fits
the installed version. Size sd15 has random weights of Stable Diffusion 1.5's shape, 512 px.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.children import run_child
from tests.bench.environment import environment, update_record
from tests.bench.workload import SIZES, Workload, make_workload, script_options

THEIRS, OURS, OURS_SFSL = "diffusers' script", "ours", "ours with SFSL"
KAPPA = 1.0


def measure(name: str, workload: Workload, script: Path, folder: Path) -> dict[str, Any]:
    """One contender's report of one round; no first step is in it."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    if name == THEIRS:
        words = [str(script), str(workload.recipe.training.steps), str(report), "--"]
        words += script_options(workload, folder / "output")
        run_child("train_theirs", words, workload.device)
    else:
        words = [str(workload.save(folder / "workload.json")), str(KAPPA * (name == OURS_SFSL))]
        flops = ["--flops"] * (name == OURS)
        run_child("train_ours", [*words, str(report), *flops], workload.device)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Over all rounds: median and mean step, each round's median, the highest peak."""
    pooled, cpu = ([s for r in rounds for s in r[kind]] for kind in ("seconds", "cpu_seconds"))
    last = {k: v for k, v in rounds[-1].items() if "flops" in k or "encoding" in k}
    return {
        "steps": len(pooled),
        "median_seconds": statistics.median(pooled),
        "mean_seconds": statistics.fmean(pooled),
        "median_cpu_seconds": statistics.median(cpu),
        "mean_cpu_seconds": statistics.fmean(cpu),
        "median_seconds_of_rounds": [statistics.median(r["seconds"]) for r in rounds],
        "peak_gib": max(r["peak_gib"] for r in rounds),
        "peak_device_gib": max(r["peak_device_gib"] or 0 for r in rounds) or None,
        **last,
    }


def compare(workload: Workload, script: Path, rounds: int, folder: Path) -> dict[str, Any]:
    """Every contender in turns, and the two ratios that matter, in seconds and in CPU seconds.

    SFSL's is one of means, for steps beyond the recipe's time bound leave it out and are cheaper.
    """
    reports: dict[str, list[dict[str, Any]]] = {THEIRS: [], OURS: [], OURS_SFSL: []}
    for _ in range(rounds):
        for name, found in reports.items():
            found.append(measure(name, workload, script, folder))
            wall, cpu = (statistics.median(found[-1][k]) for k in ("seconds", "cpu_seconds"))
            print(f"{name}: {wall:.4f} s a step, {cpu:.4f} s CPU", flush=True)
    table = {name: summary(found) for name, found in reports.items()}
    theirs, ours, sfsl = table.values()
    return {
        "contenders": table,
        "ours_to_theirs": ours["median_seconds"] / theirs["median_seconds"],
        "ours_to_theirs_cpu": ours["median_cpu_seconds"] / theirs["median_cpu_seconds"],
        "sfsl_to_ours": sfsl["mean_seconds"] / ours["mean_seconds"],
        "sfsl_to_ours_cpu": sfsl["mean_cpu_seconds"] / ours["mean_cpu_seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--tag", required=True, help="of diffusers, from which the script is")
    parser.add_argument("--size", choices=SIZES, default="micro")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--folder", type=Path, help="where random weights stay for another run")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        workload = make_workload(
            options.size, folder, options.steps, options.device, options.precision
        )
        found = compare(workload, options.script, options.rounds, Path(temporary))
    found["tag"] = options.tag
    found["rounds"] = options.rounds
    found["training"] = workload.recipe.training.model_dump(mode="json")
    found["environment"] = environment(options.device)
    print(f"ours to theirs {found['ours_to_theirs']:.3f}, SFSL {found['sfsl_to_ours']:.3f}")
    if options.record:
        key = f"{options.size} {options.device} {options.precision}"
        update_record(options.record, key, found)


if __name__ == "__main__":
    main()
