"""How long one class takes with the default recipe and how much memory, from a fresh process.

    python tests/bench/bench_build.py [--classes hummingbird]

Prints the time of every step, as a share of the whole, and the peak resident memory.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--classes", default="hummingbird")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "spurbench"
        words = ["build", "--classes", options.classes, "--recipe", "micro", "--out", str(out)]
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "spurbench", *words])
        _, status, usage = os.wait4(child.pid, 0)
        total = time.perf_counter() - began
        if status:
            raise SystemExit(f"the build failed: {status}")
        steps: dict[str, float] = {}
        for path in out.parent.glob("*.work/*/timings.json"):
            for name, seconds in json.loads(path.read_text(encoding="utf-8")).items():
                steps[name] = steps.get(name, 0.0) + seconds
    print("| step | s | share of the whole |\n|---|---|---|")
    steps["start, imports and the rest"] = total - sum(steps.values())
    for name, seconds in steps.items():
        print(f"| {name} | {seconds:.1f} | {seconds / total:.0%} |")
    cores = len(os.sched_getaffinity(0))
    print(f"| all of {options.classes}, {cores} cores | {total:.1f} | 100% |")
    print(f"\npeak resident memory {usage.ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
