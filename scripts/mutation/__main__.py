"""Puts small faults into the code, one at a time, and sees whether the tests notice.

    python -m scripts.mutation [GROUP ...] [--record docs/runs/mutation.json] [--work DIR] [--again]
    python -m scripts.mutation --changed --floor 0.85 --minutes 8

Needs the extra `mutation`. Groups are in groups.yaml; without any, all of them. A killed run goes on
where it stopped if it is given the same --work; with --again it also tries once more what no test
noticed, for tests were added since. With --sample N no more than N mutants of a module are tried, drawn
by seed. What may live, and why, is in reasons/.
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

from .choice import below, changed, in_time, share
from .reasons import idle, reasons
from .record import draw, forget_survivors, module_record
from .stage import ROOT, Group, at_home, groups, stage

GENERATE = """
from mutmut import __main__ as mutmut
mutmut.set_mutant_under_test("mutant_generation")
mutmut.makedirs(mutmut.Path("mutants"), exist_ok=True)
mutmut.copy_src_dir()
mutmut.copy_also_copy_files()
mutmut.setup_source_paths()
mutmut.create_mutants(2)
"""
"""The first part of `mutmut run`, which cannot be had alone: mutants, and none of them tried."""
SEED = 0
RECORD = ROOT / "docs" / "runs" / "mutation.json"


class GroupError(Exception):
    """A group of which nothing can be said, such as one whose tests fail without any mutant."""


def run(
    group: Group, folder: Path, children: int, *, again: bool, sample: int | None = None
) -> dict[str, Any]:
    """Mutate a group's modules in the folder; what became of them, by module. Raises GroupError."""
    stage(group, folder)
    if again:
        forget_survivors(folder, group.modules)
    log = folder / "mutmut.log"
    if sample is not None:
        _call([sys.executable, "-c", GENERATE], folder, log)
        draw(folder, group.modules, sample, SEED)
    words = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    done = _call(words, folder, log)
    made = all((folder / "mutants" / f"{module}.meta").is_file() for module in group.modules)
    if done or not made:
        raise GroupError(f"{group.name}: mutmut ended with {done}; see {log}")
    known = reasons()
    found = {module: module_record(folder, module, known) for module in group.modules}
    survivors = {module: record["survivors"] for module, record in found.items()}
    for reason in idle(group.modules, survivors, known):
        print(f"{reason.module}: {reason.function}: no survivor for the reason {reason.reason!r}")
    return found


def _call(words: list[str], folder: Path, log: Path) -> int:
    # One thread: mutants run side by side, and torch's pool does not outlive a fork.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("w") as out:
        return subprocess.run(
            words, check=False, cwd=folder, env=environment, stdout=out, stderr=out
        ).returncode


def say(module: str, found: dict[str, Any], *, survivors: bool) -> None:
    """A line a module, and its survivors."""
    print(f"{module:48} {found['noticed']:4}/{found['tried']:4} {share(found):5.0%}", flush=True)
    for each in found["survivors"] if survivors else ():
        print(f"    {each['function']}\n      - {each['before']}\n      + {each['after']}")
        if "reason" in each:
            print(f"      {each['reason']}")


def main() -> None:
    options = _options()
    left: list[Group] = []
    broken: list[str] = []
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as aside:
        for group in in_time(_wanted(options), options.minutes, time.monotonic, left):
            folder = (options.work or Path(aside)) / group.name
            try:
                made = run(
                    group, folder, options.children, again=options.again, sample=options.sample
                )
            except GroupError as error:
                print(error, flush=True)
                broken.append(group.name)
                continue
            for module, record in made.items():
                say(module, record, survivors=options.survivors)
            if options.record:
                add(options.record, made)
            found |= made
    if left:
        print(f"no time was left for: {', '.join(group.name for group in left)}")
    if broken:
        raise SystemExit(f"nothing can be said of: {', '.join(broken)}")
    poor = below(found, options.floor)
    if poor:
        raise SystemExit(f"less than {options.floor:.0%} noticed: {', '.join(poor)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--record", type=Path, help="add what was found to this JSON file")
    parser.add_argument("--work", type=Path, help="where to work, and to go on")
    parser.add_argument("--again", action="store_true", help="try what was not noticed once more")
    parser.add_argument("--changed", action="store_true", help="recorded modules that differ since")
    parser.add_argument("--sample", type=int, help="try so many mutants of a module at most")
    parser.add_argument("--floor", type=float, default=0.0, help="fail where less is noticed")
    parser.add_argument("--minutes", type=float, help="begin no group after so many")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--survivors", action="store_true", help="print every mutant not noticed")
    return parser.parse_args()


def _wanted(options: argparse.Namespace) -> list[Group]:
    known = {group.name: group for group in groups()}
    for name in options.groups:
        if name not in known:
            raise SystemExit(f"no group {name!r}; known: {', '.join(known)}")
    wanted = [known[name] for name in options.groups or known]
    return changed(wanted, read(options.record or RECORD)) if options.changed else wanted


def read(path: Path) -> dict[str, Any]:
    """The record, by module; empty where there is none yet."""
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return stored


def add(path: Path, found: dict[str, Any]) -> None:
    """Put what was found into the record, in place of what it said of these modules."""
    modules = read(path) | {at_home(module): record for module, record in found.items()}
    text = json.dumps(dict(sorted(modules.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
