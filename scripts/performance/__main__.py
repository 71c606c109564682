"""Writes docs/performance.md from the recorded runs of tests/bench.

python tests/bench/bench_cli.py --record docs/runs/bench-cli.json
python tests/bench/bench_build.py --classes hummingbird,koala --record docs/runs/bench-build.json
python -m tests.bench.bench_threads --record docs/runs/bench-threads.json
python -m tests.bench.bench_train --script FILE --tag TAG --record docs/runs/bench-train.json
python -m tests.bench.bench_sampling --record docs/runs/bench-sampling.json
python -m tests.bench.check_gradients --script FILE --tag TAG --record docs/runs/gradient-check.json
python tests/bench/bench_decode.py --record docs/runs/bench-decode.json
python -m tests.bench.bench_eval --pictures DIR --timm-validate FILE --si-repository DIR \\
    --record docs/runs/bench-eval.json
python -m tests.bench.bench_board --record docs/runs/bench-board.json
python -m scripts.performance
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .board import board_section
from .scoring import scoring_section
from .threads import threads_section

DOCS = Path(__file__).parents[2] / "docs"
OURS = "ours"


def header() -> str:
    return """# Performance

Written by `scripts/performance` from `docs/runs/bench-*.json`; measured on a shared machine, so the
ratios say more than the seconds. What is compared ran in turns within one run.
"""


def builds_section(builds: list[dict[str, Any]]) -> str:
    """One class with the default recipe, step by step."""
    steps = list(builds[0]["steps"])
    rows = "\n".join(f"| {step} | {' | '.join(_cell(b, step) for b in builds)} |" for step in steps)
    names = " | ".join(b["class"] for b in builds)
    totals = " | ".join(f"**{b['seconds']:.1f}**" for b in builds)
    peaks = " | ".join(f"{b['peak_gib']:.2f} GiB" for b in builds)
    return f"""## One class with the default recipe

From a fresh process, {builds[0]["cores"]} CPU cores, 75 pictures, 240 training steps with SFSL
(`tests/bench/bench_build.py`); seconds, and the share of the whole.

| step | {names} |
|---|{"---|" * len(builds)}
{rows}
| all | {totals} |
| peak resident memory | {peaks} |
"""


def training_section(record: dict[str, Any]) -> str:
    """A training step, ours and diffusers' script's, at each size that was measured."""
    return f"""## A training step against diffusers' script

`tests/bench/bench_train.py`: our fine-tuning and `examples/dreambooth/train_dreambooth.py` of diffusers, unchanged,
train all of U-Net and text encoder on the same models, pictures and settings: one reference and one prior picture a step,
prior preservation, AdamW, clipping, the same precision and gradient checkpointing. Each run is a fresh process, in turns.
A step lasts from the end of one update to the end of the next, so reading pictures and encoding count, loading and saving
do not. Memory is the process's peak up to the last step. `sd15` has random weights of Stable Diffusion 1.5's shape.
Ours is cheaper because latents and token ids are made once, before the first step, and one fused kernel updates all weights.

{"".join(_training(key, found) for key, found in record.items())}{_no_gpu(record, "bench_train")}"""


def _training(key: str, found: dict[str, Any]) -> str:
    rows = "\n".join(_contender(name, c) for name, c in found["contenders"].items())
    settings, made = found["training"], found["environment"]
    checkpointing = "with" if settings["gradient_checkpointing"] else "without"
    return f"""### {key}

{_made(made)}; script of diffusers {found["tag"]}; {found["rounds"]} rounds of {settings["steps"]} steps,
{checkpointing} gradient checkpointing.

| | s a step, median | mean | CPU s, median | peak resident GiB | peak on the card GiB |
|---|---|---|---|---|---|
{rows}

Without SFSL **{found["ours_to_theirs"]:.2f} x** the script's step ({found["ours_to_theirs_cpu"]:.2f} x in CPU seconds; goal:
at most 0.8); with SFSL **{found["sfsl_to_ours"]:.2f} x** our own step without it ({found["sfsl_to_ours_cpu"]:.2f} x in CPU
seconds; means, for the time bound spares some steps the decoding; goal: at most 1.5).{_rate(found)}

"""


def _contender(name: str, found: dict[str, Any]) -> str:
    seconds = (found[k] for k in ("median_seconds", "mean_seconds", "median_cpu_seconds"))
    card = f"{found['peak_device_gib']:.2f}" if found["peak_device_gib"] else "-"
    cells = " | ".join(f"{s:.4g}" for s in seconds)
    return f"| {name} | {cells} | {found['peak_gib']:.2f} | {card} |"


def _rate(found: dict[str, Any]) -> str:
    ours = found["contenders"][OURS]
    reached = ours["flops_a_step"] / ours["median_seconds"]
    return f""" Our step is
{ours["flops_a_step"] / 1e9:,.1f} GFLOP as counted (recomputation included), {reached / 1e9:,.0f} GFLOP/s:
{reached / ours["matrix_flops_a_second"]:.0%} of what a large {found["training"]["precision"]} matrix product reaches there."""


def sampling_section(record: dict[str, Any]) -> str:
    """Our sampler and the plain pipeline call."""
    rows = "\n".join(_sampling(key, found) for key, found in record.items())
    return f"""## Sampling against the plain pipeline

`tests/bench/bench_sampling.py`: `spurbench_builders.method.sampling.sample` and a `StableDiffusionPipeline` call with the same
seeds, batch, steps and guidance, in turns; from prompt to 8-bit pictures. Goal: at most 1.0 x.

| | pictures, steps, rounds | ours, s | pipeline, s | ratio | CPU ratio | images/s | largest gap, grey levels |
|---|---|---|---|---|---|---|---|
{rows}

{_no_gpu(record, "bench_sampling")}"""


def _sampling(key: str, found: dict[str, Any]) -> str:
    seconds, settings = found["median_seconds"], found["sampling"]
    return (
        f"| {key} | {found['pictures']}, {settings['steps']}, {found['rounds']} "
        f"| {seconds['ours']:.2f} | {seconds['pipeline']:.2f} | **{found['ratio']:.2f}** "
        f"| {found['cpu_ratio']:.2f} | {found['images_a_second']['ours']:.3g} "
        f"| {found['largest_grey_gap']} |"
    )


def gradients_section(record: dict[str, Any]) -> str:
    """Our gradients and those of diffusers' script."""
    kinds = {k: v for k, v in record.items() if isinstance(v, dict) and "relative_error" in v}
    rows = "\n".join(
        f"| {kind} | {part} | {error:.1e} | {found['with_half_the_prior'][part]:.1e} |"
        for kind, found in kinds.items()
        for part, error in found["relative_error"].items()
    )
    return f"""## The same gradients as diffusers' script

`tests/bench/check_gradients.py`: the script of diffusers {record["tag"]} runs one step in fp32 on the micro base model;
the latents, noise, steps and token ids that it drew go through our LDM + PPL loss. Relative error of all weights'
gradients, |ours - theirs| / |theirs|; must be below {record["tolerance"]:.0e}. The last column shows that the check sees a
wrong loss: the prior's weighed by half.

| the network predicts | part | relative error | with half the prior's loss |
|---|---|---|---|
{rows}
"""


def commands_section(cli: dict[str, Any]) -> str:
    """Commands that should answer at once."""
    baseline = cli["median_seconds"][cli["baseline"]]
    commands = "\n".join(
        f"| `{name}` | {seconds:.3f} | {seconds / baseline:.1f} |"
        for name, seconds in cli["median_seconds"].items()
    )
    return f"""## Light commands

Median of {cli["rounds"]} runs, interleaved (`tests/bench/bench_cli.py`).

| command | s | ratio to `{cli["baseline"]}` |
|---|---|---|
{commands}
"""


def _cell(build: dict[str, Any], step: str) -> str:
    return f"{build['steps'][step]:.1f} ({build['steps'][step] / build['seconds']:.0%})"


def _made(made: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    where = f"{made['threads']} CPU thread(s)" if made["device"] == "cpu" else made["device"]
    return f"{where}; {packages}"


def _no_gpu(record: dict[str, Any], bench: str) -> str:
    if any(found["environment"]["device"] != "cpu" for found in record.values()):
        return ""
    return f"""No GPU was at hand. On a machine with one, this adds its rows:
`python -m tests.bench.{bench} --size sd15 --device cuda --precision bf16` and the options above.
"""


def decode_section(record: dict[str, Any]) -> str:
    """Decoding the estimate at a smaller size."""
    rows = "\n".join(
        f"| {r['size']} | {r['milliseconds']:.1f} | {r['ratio']:.2f} "
        f"| {r['cosine_mean']:.2f} ({r['cosine_min']:.2f} to {r['cosine_max']:.2f}) |"
        for r in record["rows"]
    )
    return f"""## Decoding the estimate at a smaller size

`tests/bench/bench_decode.py`: SFSL and its gradient with respect to the predicted noise on the micro base model,
{record["pictures"]} pictures at steps {", ".join(str(t) for t in record["times"])}, {record["threads"]} CPU thread. The cosine is that of the
gradient with the one at full size, mean (lowest to highest). At micro size a smaller decoding turns the gradient too far,
so `micro` decodes in full. At Stable Diffusion's size it saves far more, but what it costs in fidelity there takes
real weights, which were not at hand.

| `decode_size`, pixels | ms | ratio | cosine with the full gradient |
|---|---|---|---|
{rows}
"""


SECTIONS: dict[str, Callable[[Any], str]] = {
    "bench-build": builds_section,
    "bench-threads": threads_section,
    "bench-train": training_section,
    "bench-decode": decode_section,
    "bench-sampling": sampling_section,
    "gradient-check": gradients_section,
    "bench-eval": scoring_section,
    "bench-board": board_section,
    "bench-cli": commands_section,
}


def page() -> str:
    """The page as Markdown."""
    parts = [header()]
    for name, section in SECTIONS.items():
        text = (DOCS / "runs" / f"{name}.json").read_text(encoding="utf-8")
        parts.append(section(json.loads(text)))
    return "\n".join(parts)


def main() -> None:
    (DOCS / "performance.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
