"""Puts small faults into the code, one at a time, and sees whether the tests notice.

python -m scripts.mutation [GROUP ...] [--record docs/runs/mutation.json] [--work DIR] [--again]

Needs the extra `mutation`. Groups are in groups.yaml; without any, all of them. A killed run goes on
where it stopped if it is given the same --work; with --again it also tries once more what no test
noticed, for tests were added since.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .record import forget_survivors, module_record
from .stage import PACKAGES, Group, groups, stage


def run(group: Group, folder: Path, children: int, *, again: bool) -> dict[str, Any]:
    """Mutate a group's modules in the folder; what became of them, by module."""
    stage(group, folder)
    if again:
        forget_survivors(folder, group.modules)
    # One thread: mutants run side by side, and torch's pool does not outlive a fork.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    log = folder / "mutmut.log"
    with log.open("w") as out:
        done = subprocess.run(
            words, check=False, cwd=folder, env=environment, stdout=out, stderr=out
        )
    if not all((folder / "mutants" / f"{module}.meta").is_file() for module in group.modules):
        raise SystemExit(f"{group.name}: mutmut ended with {done.returncode}; see {log}")
    return {module: module_record(folder, module) for module in group.modules}


def say(module: str, found: dict[str, Any], *, survivors: bool) -> None:
    """A line a module, and its survivors."""
    share = found["noticed"] / found["mutants"] if found["mutants"] else 1.0
    print(f"{module:48} {found['noticed']:4}/{found['mutants']:4} {share:5.0%}", flush=True)
    for each in found["survivors"] if survivors else ():
        print(f"    {each['function']}\n      - {each['before']}\n      + {each['after']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--record", type=Path, help="add what was found to this JSON file")
    parser.add_argument("--work", type=Path, help="where to work, and to go on")
    parser.add_argument("--again", action="store_true", help="try what was not noticed once more")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--survivors", action="store_true", help="print every mutant not noticed")
    options = parser.parse_args()
    known = {group.name: group for group in groups()}
    for name in options.groups:
        if name not in known:
            raise SystemExit(f"no group {name!r}; known: {', '.join(known)}")
    with tempfile.TemporaryDirectory() as aside:
        for name in options.groups or known:
            folder = (options.work or Path(aside)) / name
            found = run(known[name], folder, options.children, again=options.again)
            for module, record in found.items():
                say(module, record, survivors=options.survivors)
            if options.record:
                _add(options.record, found)


def _add(path: Path, found: dict[str, Any]) -> None:
    modules = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for module, record in found.items():
        package, _, rest = module.partition("/")
        modules[f"{PACKAGES[package]}/{rest}"] = record
    text = json.dumps(dict(sorted(modules.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
