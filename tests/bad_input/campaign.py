"""All cases, over two processes; what was found, case by case."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import good
from .around import as_anyone
from .cases import Case, every_case
from .child import Ended, run
from .judge import faults, snapshot

BOUND_SECONDS = 60.0
"""Of a case; what is good in a case trains and scores for a few seconds on a busy machine."""
NEEDED = ("small.yaml",)
"""What tiny.yaml extends."""
ALSO = {"unfinished": "results"}
"""Parts that have another name in a case's folder."""


@dataclass(frozen=True)
class Met:
    """A case, what was spoiled, how the command ended, and what is wrong with that."""

    number: int
    case: Case
    how: str
    ended: Ended
    faults: tuple[str, ...]

    def told(self) -> str:
        """For a person who looks for the fault."""
        words = " ".join(repr(w) if len(w) < 80 else f"{w[:40]!r}..." for w in self.case.words)
        around = f" [{self.case.around}]" if self.case.around else ""
        err = "\n    ".join(self.ended.err.splitlines()[-6:])[-1500:]
        return (
            f"case {self.number}: {', '.join(self.faults) or 'fine'}: spurbench {words}{around}\n"
            f"    {self.how}; exit code {self.ended.code}\n    {err}"
        )


def prepare() -> None:
    """Import all that commands import, so that a child need not; start no thread."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import accelerate  # noqa: F401
    import datasets  # noqa: F401
    import diffusers  # noqa: F401
    import filelock  # noqa: F401
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
    import pyarrow.dataset  # noqa: F401
    import rich.progress  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import timm
    import torch
    import torchvision  # noqa: F401
    import transformers  # noqa: F401

    import spurbench_builders.ablation.run
    import spurbench_builders.run.classes
    import spurbench_evaluators.api
    import spurbench_leaderboard.markdown
    import spurbench_leaderboard.report.making  # noqa: F401
    from spurbench import plugins

    torch.set_num_threads(1)
    for group in ("commands", "domains", "evaluators", "builders"):
        for name in plugins.find(group):
            plugins.load(group, name)
    assert timm and spurbench_builders and spurbench_evaluators


def campaign(folder: Path, seed: int, count: int | None = None, only: str = "") -> list[Met]:
    """Run the first ``count`` cases of a seed (all, where that is None), or those of a command, in a
    folder that is not there yet. Every case of a seed is the same however many are run."""
    cases = [
        (number, case)
        for number, case in enumerate(every_case(seed)[:count])
        if not only or case.command == only
    ]
    world = made(folder)
    parts = [cases[0::2], cases[1::2]]
    workers = [_fork(lambda part=part: _work(folder, world, seed, part)) for part in parts]
    if any(os.waitpid(worker, 0)[1] for worker in workers):
        raise RuntimeError("a worker of the campaign ended early")
    known = dict(cases)
    met = []
    for file in sorted(folder.glob("met-*.jsonl")):
        for line in file.read_text().splitlines():
            said = json.loads(line)
            ended = Ended(**said.pop("ended"))
            met.append(
                Met(
                    case=known[said["number"]],
                    ended=ended,
                    faults=tuple(said.pop("faults")),
                    **said,
                )
            )
    return sorted(met, key=lambda m: m.number)


def one(folder: Path, seed: int, number: int) -> Met:
    """One case alone; its folder stays."""
    world = made(folder)
    return meet(folder / "case", world, seed, number, every_case(seed)[number])


def made(folder: Path) -> Path:
    """The good folder, below one that is not there yet; commands are ready to run."""
    world = folder / "good"
    _in_child(lambda: good.make(world))
    prepare()
    return world


Run = Callable[[Case, Path], Ended]


def _forked(case: Case, place: Path) -> Ended:
    from spurbench.cli import main

    return run(case.words, place, case.around, BOUND_SECONDS, main)


def fresh_ended(case: Case, place: Path) -> Ended:
    """The case's call in a fresh interpreter."""
    words: list[bytes | str] = [sys.executable, "-m", "spurbench", *map(os.fsencode, case.words)]
    began = time.monotonic()
    done = subprocess.run(
        words,
        cwd=place,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=as_anyone,
        check=False,
    )
    out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return Ended(done.returncode, out, err, time.monotonic() - began)


def meet_in(folder: Path, world: Path, seed: int, number: int, how: Run | None) -> Met:
    """A case by itself, in a folder that is gone afterwards."""
    place = folder / "case"
    met = meet(place, world, seed, number, every_case(seed)[number], how or _forked)
    _remove(place)
    return met


def _work(folder: Path, world: Path, seed: int, cases: Sequence[tuple[int, Case]]) -> None:
    with (folder / f"met-{os.getpid()}.jsonl").open("w") as file:
        for number, case in cases:
            place = folder / f"case-{os.getpid()}"
            met = meet(place, world, seed, number, case)
            _remove(place)
            said: dict[str, Any] = {"number": met.number, "how": met.how, "faults": met.faults}
            ended = dict(met.ended.__dict__)
            ended["out"] = ended["out"][:400]
            ended["err"] = ended["err"][-4000:]
            print(json.dumps(said | {"ended": ended}), file=file, flush=True)


def meet(place: Path, world: Path, seed: int, number: int, case: Case, end: Run = _forked) -> Met:
    """Run a case in a folder of its own."""
    rng = random.Random(f"{seed}-{number}")
    place.mkdir()
    for part in case.parts + NEEDED * ("tiny.yaml" in case.parts):
        _copy(world / part, place / ALSO.get(part, part))
    how = case.spoil(place, rng)
    before = snapshot(place)
    ended = end(case, place)
    place.chmod(0o700)
    found = faults(case.command, ended, before, snapshot(place), bad=case.bad, around=case.around)
    return Met(number, case, how, ended, tuple(found))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _remove(place: Path) -> None:
    for inner, folders, _ in os.walk(place):
        for name in folders:
            path = Path(inner) / name
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(place)


def _fork(act: Any) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        act()
        code = 0
    except BaseException:  # noqa: BLE001
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _in_child(act: Any) -> None:
    """Done by another process: what it starts, threads among it, this one does not have."""
    if os.waitpid(_fork(act), 0)[1]:
        raise RuntimeError("the good folder could not be made")


def counts(met: Sequence[Met]) -> dict[str, Any]:
    """Cases and faults by command, and how commands ended."""
    commands = sorted({m.case.command for m in met})
    return {
        "cases": len(met),
        "by_command": {c: sum(m.case.command == c for m in met) for c in commands},
        "refused": sum(m.ended.code == 2 for m in met),
        "accepted": sum(m.ended.code == 0 for m in met),
        "faults": sum(bool(m.faults) for m in met),
        "kinds": dict(Counter(f.split(" ")[0] for m in met for f in m.faults)),
    }
