"""diffusers' train_dreambooth.py in this process, unchanged, with step times and memory.

python -m tests.bench.train_theirs SCRIPT STEPS REPORT -- OPTIONS OF THE SCRIPT
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from tests.bench.clock import Enough, StepClock, write_report


def run_script(script: Path, words: list[str]) -> None:
    """Run the script as if by its name, until its end or until Enough is raised within."""
    sys.argv = [str(script), *words]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except Enough:
        return
    raise SystemExit(f"{script}: ended before its last step was seen")


def main() -> None:
    script, steps, report, dashes, *words = sys.argv[1:]
    if dashes != "--":
        raise SystemExit((__doc__ or "").strip())
    clock = StepClock(int(steps), stop=True)
    run_script(Path(script), words)
    write_report(Path(report), clock.report())


if __name__ == "__main__":
    main()
