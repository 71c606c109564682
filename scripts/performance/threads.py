"""The page's section on cores: what they give, and what a busy one costs."""

from __future__ import annotations

from typing import Any

PAIRS = (
    ("two classes side by side", "two classes, one after another", 0.6),
    ("one class beside a busy process", "one class", 1.3),
    ("eval beside a busy process", "eval", None),
)


def threads_section(record: dict[str, Any]) -> str:
    """Times side by side and beside a busy process, as ratios."""
    seconds = record["median_seconds"]
    rows = "\n".join(
        f"| {name} | {seconds[name]:.1f} | {other} | {seconds[other]:.1f} "
        f"| **{seconds[name] / seconds[other]:.2f}** | {'-' if goal is None else f'at most {goal}'} |"
        for name, other, goal in PAIRS
    )
    return f"""## Cores

`tests/bench/bench_threads.py` on {record["cores"]} cores, whole commands with their imports, median of {record["rounds"]}
round(s) in turns; the load was {record["load"]:.1f} before and {record["load_after"]:.1f} after it (its own work is 1 to 2: with more, others had
the cores, and the ratios say nothing). The recipe is `micro`;
the busy process is a loop of Python; the eval is of `timm/{record["model"]}` on {record["pictures"]} pictures.

| | s | against | s | ratio | goal |
|---|---|---|---|---|---|
{rows}
"""
