"""Writes docs/performance.md from the recorded runs of tests/bench.

python tests/bench/bench_cli.py --record docs/runs/bench-cli.json
python tests/bench/bench_build.py --classes hummingbird,koala --record docs/runs/bench-build.json
python scripts/performance.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def page(cli: dict[str, Any], builds: list[dict[str, Any]]) -> str:
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

## Light commands

Median of {cli["rounds"]} runs, interleaved (`tests/bench/bench_cli.py`).

| command | s | ratio to `{cli["baseline"]}` |
|---|---|---|
{commands}
"""


def _cell(build: dict[str, Any], step: str) -> str:
    return f"{build['steps'][step]:.1f} ({build['steps'][step] / build['seconds']:.0%})"


def main() -> None:
    cli = json.loads((DOCS / "runs" / "bench-cli.json").read_text(encoding="utf-8"))
    builds = json.loads((DOCS / "runs" / "bench-build.json").read_text(encoding="utf-8"))
    (DOCS / "performance.md").write_text(page(cli, builds), encoding="utf-8")


if __name__ == "__main__":
    main()
