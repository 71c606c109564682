"""How long `spurbench --help` takes, as a ratio to `python -c pass` in the same run.

python tests/bench/bench_cli.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    commands = {
        "python -c pass": ("-c", "pass"),
        "spurbench --help": ("-m", "spurbench", "--help"),
        "spurbench list classes": ("-m", "spurbench", "list", "classes"),
        "spurbench list recipes": ("-m", "spurbench", "list", "recipes"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, words in commands.items():
            times[name].append(seconds(*words))
    baseline = statistics.median(times["python -c pass"])
    print(f"| command | median of {ROUNDS}, s | ratio to `python -c pass` |\n|---|---|---|")
    for name, found in times.items():
        median = statistics.median(found)
        print(f"| `{name}` | {median:.3f} | {median / baseline:.1f} |")


if __name__ == "__main__":
    main()
