"""The section on `spurbench eval`."""

from __future__ import annotations

import statistics
from typing import Any

WAYS = {
    "eval": "`spurbench eval`",
    "bare": "bare network, channels last",
    "contiguous": "bare network, contiguous",
    "timm": "timm's `validate.py`",
    "si": "Spurious ImageNet's loop",
}
CLOCKS = {"wall": "wall", "processor": "processor"}


def scoring_section(found: dict[str, Any]) -> str:
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
{found["cores"]} core(s) with {found["threads"]} thread of torch and {found["workers"]} worker for reading; {found["rounds"]} interleaved rounds in one process
(`tests/bench/bench_eval.py`). The load was {load:.1f}, so wall times are noisy;
processor times, which count workers, are less so. Milliseconds of the processor a picture:

| network | {" | ".join(WAYS[way] for way in ways)} |
|---|{"---|" * len(ways)}
{chr(10).join(rows)}

How many times as fast `spurbench eval` is, by wall / by processor time (median of rounds):

| network | {" | ".join(others)} |
|---|{"---|" * len(others)}
{chr(10).join(gains)}

All {len(found["models"])} models in one call take {together} times the sum of their bare times.

Networks are run channels last, hence faster than the bare network as it is made. Where torch keeps every
core busy, reading a picture (decoding and resizing, exact to Pillow's pixels) and what a run costs once (the self-test,
intervals, files: a larger share of few pictures) add to the network's time, so that against the bare network channels
last the ratio falls as networks get smaller: {_reached(found)}.
"""


def _reached(found: dict[str, Any]) -> str:
    """Which networks reach the goal, on the wall, against the bare network channels last."""
    goal = 0.9
    reached = [
        f"`{spec}`"
        for spec in found["models"]
        if _ratio(found, "wall", f"bare {spec}", f"eval {spec}") >= goal
    ]
    names = f"only {', '.join(reached)}" if len(reached) < len(found["models"]) else "every one"
    return f"{names if reached else 'none'} reaches {goal}"


def _pace(found: dict[str, Any], name: str) -> str:
    return f"{1000 * statistics.median(found['processor'][name]) / found['count']:.1f}"


def _ratio(found: dict[str, Any], clock: str, above: str, below: str) -> float:
    pairs = zip(found[clock][above], found[clock][below], strict=True)
    return float(statistics.median(a / b for a, b in pairs))


def _together(found: dict[str, Any], clock: str) -> float:
    bare = [found[clock][f"bare {spec}"] for spec in found["models"]]
    sums = [sum(times) for times in zip(*bare, strict=True)]
    return float(
        statistics.median(a / b for a, b in zip(found[clock]["eval all"], sums, strict=True))
    )
