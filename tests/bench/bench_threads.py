"""What cores give and what a busy one costs: classes side by side, and builds and evals beside it.

python -m tests.bench.bench_threads [--rounds 3] [--record docs/runs/bench-threads.json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spurbench.parallel import cores
from spurbench.pictures import png_bytes

CLASSES = "hummingbird,koala"
PICTURES, SIDE = 192, 420
MODEL = "resnet50"
LOOP = "while True: pass"


def spurbench(*words: str) -> float:
    """Seconds that a command takes, in a fresh process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "spurbench", *words], check=True, capture_output=True)
    return time.perf_counter() - began


def build(classes: str, *options: str) -> float:
    """Seconds of a build with the default recipe, nothing of which is there before."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "spurbench"
        return spurbench("build", "--classes", classes, "--out", str(out), *options)


def score(folder: Path) -> float:
    """Seconds of an eval of a network of random weights on photograph-sized pictures."""
    with tempfile.TemporaryDirectory() as results:
        words = ("eval", "--model", f"timm/{MODEL}", "--weights", str(folder / "w.safetensors"))
        return spurbench(*words, "--data", str(folder / "si"), "--results", results)


def prepare(folder: Path) -> Path:
    """The network's weights and the pictures for `score`."""
    import numpy as np
    import timm
    from PIL import Image
    from safetensors.torch import save_file

    save_file(timm.create_model(MODEL).state_dict(), folder / "w.safetensors")
    place = folder / "si" / "spurious_class_94_component_1"
    place.mkdir(parents=True)
    for i in range(PICTURES):
        grain = np.random.default_rng(i).integers(0, 256, (30, 30, 3), dtype=np.uint8)
        smooth = Image.fromarray(grain).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        (place / f"{i:03}.png").write_bytes(png_bytes(smooth))
    return folder


@contextmanager
def busy_core() -> Iterator[None]:
    """Beside a process that never rests."""
    loop = subprocess.Popen([sys.executable, "-c", LOOP])
    try:
        yield
    finally:
        loop.kill()
        loop.wait()


def beside(work: Callable[[], float]) -> float:
    with busy_core():
        return work()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as made:
        folder = prepare(Path(made))
        one = CLASSES.split(",")[0]
        cases: dict[str, Callable[[], float]] = {
            "two classes, one after another": lambda: build(CLASSES, "--jobs", "1"),
            "two classes side by side": lambda: build(CLASSES),
            "one class": lambda: build(one),
            "one class beside a busy process": lambda: beside(lambda: build(one)),
            "eval": lambda: score(folder),
            "eval beside a busy process": lambda: beside(lambda: score(folder)),
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(options.rounds):
            for name, work in cases.items():
                times[name].append(work())
                print(f"{name:34} {times[name][-1]:6.1f} s", flush=True)
    found = {
        "cores": cores(),
        "load": load,
        "load_after": os.getloadavg()[0],
        "rounds": options.rounds,
        "model": MODEL,
        "pictures": PICTURES,
        "median_seconds": {name: statistics.median(taken) for name, taken in times.items()},
    }
    if options.record:
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
