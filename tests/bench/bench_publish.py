"""How long a data set takes to load and stream, as a ratio to `datasets`' imagefolder and webdataset with
the same pictures in the same run; and what a large one costs.

python -m tests.bench.bench_publish [--record docs/runs/bench-publish.json]

Every load is a fresh process. A first load has empty caches, a warm one those of the first.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import sha256_bytes

from .environment import environment

KINDS = ("ours", "imagefolder", "webdataset")
BASELINE = "imagefolder"
A_CLASS = 75
A_SHARD = 1000


def encoded(seed: int, size: int, kind: str) -> bytes:
    """A smooth picture that no other seed gives, in a format of Pillow's."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    file = io.BytesIO()
    coarse.resize((size, size), Image.Resampling.BICUBIC).save(file, kind, quality=90)
    return file.getvalue()


def made(folder: Path, classes: int, count: int, size: int, kind: str) -> Path:
    """A data set of ours."""
    for number in range(classes):
        slug = f"class_{number:03d}"
        part = folder.parent / "part.parquet"
        write_split(rows(slug, number, count, size, kind), part)
        splits = {"generated": split_entry(slug, "generated", part)}
        entry = ClassEntry(name=slug, label=number, feature="made", splits=splits, provenance={})
        install_class(folder, "made", "micro", slug, entry, {"generated": [part]})
        part.unlink()
    return folder


def rows(slug: str, label: int, count: int, size: int, kind: str) -> Iterator[Row]:
    for index in range(count):
        data = encoded(label * count + index, size, kind)
        yield Row(data, label, slug, "generated", index, f"{index}", sha256_bytes(data))


def as_folders(folder: Path, classes: int, count: int, size: int) -> Path:
    """The same pictures as imagefolder wants them."""
    for number in range(classes):
        place = folder / f"class_{number:03d}"
        place.mkdir(parents=True)
        for row in rows(place.name, number, count, size, "png"):
            (place / f"{row.index:05d}.png").write_bytes(row.data)
    return folder


def as_tars(folder: Path, classes: int, count: int, size: int) -> Path:
    """The same pictures as shards of webdataset's kind."""
    folder.mkdir()
    every = (row for n in range(classes) for row in rows(f"class_{n:03d}", n, count, size, "png"))
    tar: tarfile.TarFile | None = None
    for at, row in enumerate(every):
        if at % A_SHARD == 0:
            if tar is not None:
                tar.close()
            tar = tarfile.open(folder / f"{at // A_SHARD:05d}.tar", "w")  # noqa: SIM115
        assert tar is not None
        for name, data in ((f"{at:06d}.png", row.data), (f"{at:06d}.cls", f"{row.label}".encode())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    if tar is not None:
        tar.close()
    return folder


def measured(kind: str, folder: Path, home: Path, mode: str) -> dict[str, Any]:
    """One load in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.load_data_set", kind, str(folder), mode]
    told = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=told, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{kind} {mode} failed:\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(root: Path, pictures: int, size: int, rounds: int) -> dict[str, Any]:
    """First load, warm load and streaming of the three kinds, interleaved; medians of rounds."""
    classes = max(1, pictures // A_CLASS)
    count = pictures // classes
    places = {
        "ours": made(root / "ours", classes, count, size, "png"),
        "imagefolder": as_folders(root / "imagefolder", classes, count, size),
        "webdataset": as_tars(root / "webdataset", classes, count, size),
    }
    found: dict[str, dict[str, list[float]]] = {
        kind: {"first": [], "warm": [], "stream": []} for kind in KINDS
    }
    for turn in range(rounds):
        for kind in KINDS:
            home = root / f"home-{kind}-{turn}"
            for name, mode in (("first", "load"), ("warm", "load"), ("stream", "stream")):
                one = measured(kind, places[kind], home, mode)
                assert one["pictures"] == classes * count, f"{kind} has {one['pictures']}"
                found[kind][name].append(one["seconds"])
            shutil.rmtree(home)
    middle = {
        kind: {name: statistics.median(v) for name, v in times.items()}
        for kind, times in found.items()
    }
    return {
        "pictures": classes * count,
        "size": size,
        "rounds": rounds,
        "baseline": BASELINE,
        "seconds": middle,
        "ratio": {
            kind: {name: value / middle[BASELINE][name] for name, value in times.items()}
            for kind, times in middle.items()
        },
    }


def large(root: Path, classes: int, count: int, size: int) -> dict[str, Any]:
    """Bytes, seconds and peak memory of one with many classes, and of a tenth of its classes."""
    found = {}
    for share, name in ((10, "a tenth of the classes"), (1, "all classes")):
        some = max(1, classes // share)
        folder = made(root / f"large-{some}", some, count, size, "jpeg")
        held = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        modes = {
            mode: measured("ours", folder, root / f"home-{some}", mode)
            for mode in ("open", "load", "stream")
        }
        card = (folder / "README.md").stat().st_size
        found[name] = {"classes": some, "bytes": held, "card_bytes": card, **modes}
        shutil.rmtree(folder)
        shutil.rmtree(root / f"home-{some}")
    return {"a_class": count, "size": size, "sets": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=7500)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--classes", type=int, default=100, help="of the large one")
    parser.add_argument("--a-class", type=int, default=200, help="pictures of a class of it")
    parser.add_argument("--large-size", type=int, default=512)
    parser.add_argument("--record", type=Path)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = compared(Path(folder), said.pictures, said.size, said.rounds)
    for name in ("first", "warm", "stream"):
        for kind in KINDS:
            seconds, ratio = small["seconds"][kind][name], small["ratio"][kind][name]
            print(f"{name:6} {kind:12} {seconds:7.2f} s, {ratio:5.2f} x {BASELINE}")
    with tempfile.TemporaryDirectory() as folder:
        big = large(Path(folder), said.classes, said.a_class, said.large_size)
    for name, one in big["sets"].items():
        for mode in ("open", "load", "stream"):
            print(
                f"{name}: {one['bytes'] / 1e6:.0f} MB, {mode} {one[mode]['seconds']:.2f} s, "
                f"peak {one[mode]['peak_mib']:.0f} MiB"
            )
    if said.record:
        found = {"environment": environment("cpu"), "small": small, "large": big}
        said.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
