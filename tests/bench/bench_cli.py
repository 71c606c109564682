"""How long light commands take, as a ratio to `python -c pass` in the same run.

python tests/bench/bench_cli.py [--record docs/runs/bench-cli.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
BASELINE = "python -c pass"
FIRST_LINE = "spurbench build (its first line)"
COMMANDS = {
    BASELINE: ("-c", "pass"),
    "spurbench --help": ("-m", "spurbench", "--help"),
    "spurbench list classes": ("-m", "spurbench", "list", "classes"),
    "spurbench list recipes": ("-m", "spurbench", "list", "recipes"),
}


def seconds(*words: str) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - began


def first_line() -> float:
    """Seconds until a build has said something; it is stopped then."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("-m", "spurbench", "build", "--classes", "koala", "--out", f"{folder}/spurbench")
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        with child:
            assert child.stderr is not None
            child.stderr.readline()
            taken = time.perf_counter() - began
            child.kill()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in (*COMMANDS, FIRST_LINE)}
    for _ in range(ROUNDS):
        for name, words in COMMANDS.items():
            times[name].append(seconds(*words))
        times[FIRST_LINE].append(first_line())
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{name:34} {median:.3f} s, {median / medians[BASELINE]:.1f} x {BASELINE}")
    if options.record:
        found = {"rounds": ROUNDS, "baseline": BASELINE, "median_seconds": medians}
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
