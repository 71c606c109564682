"""How long one class takes with the default recipe, step by step, and how much memory.

python tests/bench/bench_build.py [--classes hummingbird] [--record docs/runs/bench-build.json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def measure(name: str) -> dict[str, Any]:
    """Build a class in a fresh process and folder."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "spurbench"
        words = ["build", "--classes", name, "--recipe", "micro", "--out", str(out)]
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "spurbench", *words])
        _, status, usage = os.wait4(child.pid, 0)
        total = time.perf_counter() - began
        if status:
            raise SystemExit(f"the build failed: {status}")
        (timings,) = out.parent.glob("*.work/*/timings.json")
        steps: dict[str, float] = json.loads(timings.read_text(encoding="utf-8"))
    return {
        "class": name,
        "cores": len(os.sched_getaffinity(0)),
        "seconds": total,
        "steps": {**steps, "start and imports": total - sum(steps.values())},
        "peak_gib": usage.ru_maxrss / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--classes", default="hummingbird")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    found = [measure(name) for name in options.classes.split(",")]
    for one in found:
        for step, seconds in one["steps"].items():
            print(f"{one['class']}: {step:20} {seconds:6.1f} s  {seconds / one['seconds']:.0%}")
        print(
            f"{one['class']}: {one['seconds']:.1f} s on {one['cores']} cores, "
            f"peak resident memory {one['peak_gib']:.2f} GiB"
        )
    if options.record:
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
