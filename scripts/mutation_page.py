"""Writes docs/testing.md: how the tests are run, and what docs/runs/mutation.json says of them.

python -m scripts.mutation --record docs/runs/mutation.json
python -m scripts.mutation_page
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from scripts.mutation.__main__ import RECORD, read
from spurbench.files import write_text

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "testing.md"
HEAD = """# Tests

Written by `scripts/mutation_page.py` from `pyproject.toml` and `docs/runs/mutation.json`.

## Running them

```sh
python -m pytest            # what a change is held to: no network, no GPU, a few minutes on two cores
python -m pytest -n0 FILE   # a file's, in one process
```

A test that wants what a plain clone does not have, or much time, carries a mark and is left out unless
`-m` asks for it. None of the others skips but where it wants a GPU, and none looks at the clock: times are
taken by `tests/bench/bench_*.py`, which are no tests ([Performance](performance.md)).

| mark | what it wants |
|---|---|
"""
ABOUT = """
## Whether they would notice a fault

`python -m scripts.mutation` puts small faults (mutants) into a module, one at a time (another operator,
another number, an argument left out), and runs the unit tests of its group in
`scripts/mutation/groups.yaml`. A mutant is noticed when a test fails, or no longer ends. Where a module has
many, those tried were drawn by seed (`--sample`). It needs the extra `mutation`.

```sh
python -m scripts.mutation losses --survivors    # a group, and every mutant that nothing noticed
python -m scripts.mutation --changed             # modules that differ from the recorded ones
python -m scripts.mutation --record docs/runs/mutation.json && python -m scripts.mutation_page
```

"""
SURVIVORS = """
## What was not noticed

By module and reason, from `scripts/mutation/reasons/`: the function, then the line before and after.
"""
NO_REASON = "No reason is recorded."
WIDTH = 160
NUMBERS = ("mutants", "tried", "noticed")


def page(record: dict[str, Any]) -> str:
    """The whole page; the record may hold some modules only, or none."""
    return "\n".join([*_marks(), *_shares(record), *_survivors(record)]) + "\n"


def _marks() -> Iterator[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    marks = settings["tool"]["pytest"]["ini_options"]["markers"]
    rows = [mark.partition(": ") for mark in marks]
    yield HEAD + "\n".join(f"| `{name}` | {said} |" for name, _, said in rows)


def _shares(record: dict[str, Any]) -> Iterator[str]:
    if not record:
        yield f"{ABOUT}Nothing is recorded yet."
        return
    tools = ", ".join(sorted({found["tool"] for found in record.values()}))
    yield f"{ABOUT}Recorded with {tools}:\n"
    yield "| module | mutants | tried | noticed | share |\n|---|---|---|---|---|"
    for module, found in sorted(record.items()):
        yield _row(f"`{module}`", found)
    total = {name: sum(found[name] for found in record.values()) for name in NUMBERS}
    yield _row("all", total)


def _row(name: str, found: dict[str, Any]) -> str:
    mutants, tried, noticed = (found[number] for number in NUMBERS)
    percent = 100 * noticed // tried if tried else 100  # rounded down: 100 % are all
    return f"| {name} | {mutants} | {tried} | {noticed} | {percent} % |"


def _survivors(record: dict[str, Any]) -> Iterator[str]:
    living = {module: found["survivors"] for module, found in record.items() if found["survivors"]}
    if not living:
        return
    yield SURVIVORS
    for module, survivors in sorted(living.items()):
        yield f"### `{module}`\n"
        # What has a reason comes first.
        by_reason = sorted(survivors, key=lambda s: (s.get("reason") is None, s.get("reason", "")))
        for reason, those in groupby(by_reason, key=lambda s: s.get("reason", NO_REASON)):
            yield f"{reason}\n\n```diff\n{_changes(those)}\n```\n"


def _changes(survivors: Iterable[dict[str, str]]) -> str:
    lines = []
    for survivor in survivors:
        lines.append(f"@@ {survivor['function']} @@")
        lines += [f"- {_short(survivor['before'])}", f"+ {_short(survivor['after'])}"]
    return "\n".join(lines)


def _short(line: str) -> str:
    """The line at a length that a page shows; no fence ends within it."""
    line = line.replace("```", "'''")
    return line if len(line) <= WIDTH else f"{line[:WIDTH]} ..."


if __name__ == "__main__":
    write_text(PAGE, page(read(RECORD)))
