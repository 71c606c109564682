"""What mutmut found, as data: by module, and every mutant that the tests did not notice."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .choice import source_sha256
from .reasons import Reason, explained

NOTICED = {"killed", "timeout", "segfault", "caught by type check"}
NOT_TRIED = {"skipped", "not checked"}
SKIPPED = 34  # mutmut's exit code for a mutant that it is told to leave out


def statuses(folder: Path, module: str) -> dict[str, str]:
    """Every mutant of a module by name, and what became of it."""
    from mutmut.stats import status_by_exit_code  # only the extra `mutation` brings it

    meta = folder / "mutants" / f"{module}.meta"
    codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return {name: status_by_exit_code[code] for name, code in codes.items()}


def forget_survivors(folder: Path, modules: Iterable[str]) -> None:
    """Have mutmut try again what no test noticed; what was noticed keeps its result."""
    for module in modules:
        meta = folder / "mutants" / f"{module}.meta"
        if not meta.is_file():
            continue
        content = json.loads(meta.read_text(encoding="utf-8"))
        codes = content["exit_code_by_key"]
        for name, status in statuses(folder, module).items():
            codes[name] = codes[name] if status in NOTICED | NOT_TRIED else None
        meta.write_text(json.dumps(content), encoding="utf-8")
    # Which tests reach which function is told anew.
    (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)


def draw(folder: Path, modules: Iterable[str], most: int, seed: int) -> None:
    """Leave all but ``most`` mutants of each module out, drawn by seed; what was tried counts."""
    for module in modules:
        meta = folder / "mutants" / f"{module}.meta"
        content = json.loads(meta.read_text(encoding="utf-8"))
        codes = content["exit_code_by_key"]
        drawn = set(codes)
        if len(codes) > most:
            drawn = set(random.Random(f"{seed} {module}").sample(sorted(codes), most))
        for name, code in codes.items():
            if name not in drawn:
                codes[name] = SKIPPED if code is None else code
            elif code == SKIPPED:
                codes[name] = None
        meta.write_text(json.dumps(content), encoding="utf-8")


def module_record(folder: Path, module: str, reasons: Iterable[Reason]) -> dict[str, Any]:
    """Numbers of a module, and its survivors with the lines that were changed; which source and
    tool they are of."""
    found = statuses(folder, module)
    counts = Counter(found.values())
    noticed = sum(counts[status] for status in NOTICED)
    passed = set(found.values()) - NOTICED - NOT_TRIED
    unnoticed = [name for name, status in found.items() if status in passed]
    survivors = [survivor(folder, module, name) for name in sorted(unnoticed)]
    return {
        "sha256": source_sha256(module),
        "tool": f"mutmut {version('mutmut')}",
        "mutants": len(found),
        "tried": noticed + len(unnoticed),
        "noticed": noticed,
        "by_status": dict(sorted(counts.items())),
        "survivors": explained(module, survivors, reasons),
    }


def survivor(folder: Path, module: str, name: str) -> dict[str, str]:
    """A mutant as the function it is in and the lines that it changes, before and after."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.utils.file_utils import change_cwd

    with change_cwd(folder):
        # The path is named: mutmut looks for it by the settings of the first folder it saw.
        lines = get_diff_for_mutant(name, path=module).split("\n")
    changed = {
        sign: " ".join(
            line[1:].strip()
            for line in lines
            if line.startswith(sign) and not line.startswith(sign * 3)
        )
        for sign in "-+"
    }
    function = name.rpartition(".")[2].partition("__mutmut")[0].removeprefix("x_")
    return {
        "function": function.replace("xǁ", "").replace("ǁ", "."),
        "before": changed["-"],
        "after": changed["+"],
    }
