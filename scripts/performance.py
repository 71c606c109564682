"""Writes docs/performance.md from the recorded runs of tests/bench.

python tests/bench/bench_cli.py --record docs/runs/bench-cli.json
python tests/bench/bench_build.py --classes hummingbird,koala --record docs/runs/bench-build.json
python tests/bench/bench_eval.py --pictures DIR --timm-validate FILE --si-repository DIR \\
    --record docs/runs/bench-eval.json
python scripts/performance.py
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def page(cli: dict[str, Any], builds: list[dict[str, Any]], scored: dict[str, Any]) -> str:
    """The page as Markdown."""
    baseline = cli["median_seconds"][cli["baseline"]]
    commands = "\n".join(
        f"| `{name}` | {seconds:.3f} | {seconds / baseline:.1f} |"
        for name, seconds in cli["median_seconds"].items()
    )
    steps = list(builds[0]["steps"])
    rows = "\n".join(f"| {step} | {' | '.join(_cell(b, step) for b in builds)} |" for step in steps)
    names = " | ".join(b["class"] for b in builds)
    totals = " | ".join(f"**{b['seconds']:.1f}**" for b in builds)
    peaks = " | ".join(f"{b['peak_gib']:.2f} GiB" for b in builds)
    return f"""# Performance

Written by `scripts/performance.py` from `docs/runs/bench-*.json`; single runs on a shared machine, so the
ratios say more than the seconds.

## One class with the default recipe

From a fresh process, {builds[0]["cores"]} CPU cores, 75 pictures, 240 training steps with SFSL
(`tests/bench/bench_build.py`); seconds, and the share of the whole.

| step | {names} |
|---|{"---|" * len(builds)}
{rows}
| all | {totals} |
| peak resident memory | {peaks} |

{scoring(scored)}

## Light commands

Median of {cli["rounds"]} runs, interleaved (`tests/bench/bench_cli.py`).

| command | s | ratio to `{cli["baseline"]}` |
|---|---|---|
{commands}
"""


def scoring(found: dict[str, Any]) -> str:
    """The section on `spurbench eval`."""
    ways = [w for w in WAYS if f"{w} {found['models'][0]}" in found["wall"]]
    rows = [
        f"| `{spec}` | {' | '.join(_pace(found, f'{way} {spec}') for way in ways)} |"
        for spec in found["models"]
    ]
    gains = [
        f"| `{spec}` | "
        + " | ".join(
            " / ".join(
                f"{_ratio(found, clock, f'{way} {spec}', f'eval {spec}'):.2f}" for clock in CLOCKS
            )
            for way in ways
            if way != "eval"
        )
        + " |"
        for spec in found["models"]
    ]
    others = [WAYS[way] for way in ways if way != "eval"]
    together = " and ".join(
        f"{_together(found, clock):.2f} ({words})" for clock, words in CLOCKS.items()
    )
    load = statistics.median(found["load"])
    return f"""## Scoring

{found["count"]} JPEGs of {found["side"]} x {found["side"]} pixels, framing `si`, random weights, batches of {found["batch"]}, on
{found["cores"]} core with {found["threads"]} thread of torch and {found["workers"]} worker for reading; {found["rounds"]} interleaved rounds in one process
(`tests/bench/bench_eval.py`). Other work shared the core (load {load:.1f}), so wall times are noisy;
processor times, which count workers, are less so. Milliseconds of the processor a picture:

| network | {" | ".join(WAYS[way] for way in ways)} |
|---|{"---|" * len(ways)}
{chr(10).join(rows)}

How many times as fast `spurbench eval` is, by wall / by processor time (median of rounds):

| network | {" | ".join(others)} |
|---|{"---|" * len(others)}
{chr(10).join(gains)}

All {len(found["models"])} models in one call take {together} times the sum of their bare times.

Networks are run channels last, hence faster than the bare network as it is made. Where one core does all, reading
a picture (decoding and resizing, exact to Pillow's pixels) adds to the network's time, so that against the bare
network channels last the ratio falls as networks get smaller. What a second core that reads saves was not measured."""


WAYS = {
    "eval": "`spurbench eval`",
    "bare": "bare network, channels last",
    "contiguous": "bare network, contiguous",
    "timm": "timm's `validate.py`",
    "si": "Spurious ImageNet's loop",
}
CLOCKS = {"wall": "wall", "processor": "processor"}


def _pace(found: dict[str, Any], name: str) -> str:
    return f"{1000 * statistics.median(found['processor'][name]) / found['count']:.1f}"


def _ratio(found: dict[str, Any], clock: str, above: str, below: str) -> float:
    pairs = zip(found[clock][above], found[clock][below], strict=True)
    return statistics.median(a / b for a, b in pairs)


def _together(found: dict[str, Any], clock: str) -> float:
    bare = [found[clock][f"bare {spec}"] for spec in found["models"]]
    sums = [sum(times) for times in zip(*bare, strict=True)]
    return statistics.median(a / b for a, b in zip(found[clock]["eval all"], sums, strict=True))


def _cell(build: dict[str, Any], step: str) -> str:
    return f"{build['steps'][step]:.1f} ({build['steps'][step] / build['seconds']:.0%})"


def main() -> None:
    cli = json.loads((DOCS / "runs" / "bench-cli.json").read_text(encoding="utf-8"))
    builds = json.loads((DOCS / "runs" / "bench-build.json").read_text(encoding="utf-8"))
    scored = json.loads((DOCS / "runs" / "bench-eval.json").read_text(encoding="utf-8"))
    (DOCS / "performance.md").write_text(page(cli, builds, scored), encoding="utf-8")


if __name__ == "__main__":
    main()
