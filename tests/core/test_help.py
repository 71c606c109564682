"""Help reads well at 80 columns: nothing is cut, options stand in groups, every command has examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

GROUPS: dict[str, set[str]] = {
    "ablate": {"Options", "Rows of the table"},
    "build": {"Options", "References", "How the work is done"},
    "compare": {"Arguments", "Options"},
    "diff": {"Arguments", "Options"},
    "eval": {"Options", "Models", "Pictures", "How it is run"},
    "export": {"Arguments", "Options"},
    "import-si": {"Arguments", "Options"},
    "leaderboard changes": {"Options"},
    "leaderboard check": {"Arguments", "Options"},
    "leaderboard export-hf": {"Arguments", "Options"},
    "leaderboard missing": {"Options"},
    "leaderboard register": {"Arguments", "Options"},
    "leaderboard render": {"Options"},
    "list": {"Arguments", "Options"},
    "merge": {"Arguments", "Options"},
    "publish": {"Arguments", "Options"},
    "pull": {"Arguments", "Options"},
    "report": {"Arguments", "Options"},
    "score": {"Arguments", "Options"},
    "show": {"Arguments", "Options"},
    "verify": {"Arguments", "Options"},
}


@pytest.mark.parametrize("command", GROUPS)
def test_at_80_columns(command: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TERMINAL_WIDTH"}
    done = subprocess.run(
        [sys.executable, "-m", "spurbench", *command.split(), "--help"],
        env={**environment, "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert max(map(len, lines)) <= 80 and "…" not in done.stdout
    assert set(re.findall(r"╭─ (.+?) ─+╮", done.stdout)) == GROUPS[command]
    first = next(i for i, line in enumerate(lines) if re.fullmatch(r" Examples?:", line))
    assert lines[first + 1].startswith(f"   spurbench {command}")


def test_every_command_is_here() -> None:
    from importlib.metadata import entry_points

    mounted = {point.name for point in entry_points(group="spurbench.commands")}
    assert {command.split()[0] for command in GROUPS} >= mounted
