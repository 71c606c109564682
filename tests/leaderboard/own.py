"""The repository's own board: its panel's results on the newest version of the data set."""

from __future__ import annotations

from pathlib import Path

from spurbench.results import Result, read_result
from spurbench_leaderboard.known import Register
from tests.conftest import ROOT

BOARD = ROOT / "leaderboard"


def panel_files() -> list[Path]:
    """The result files, by name: however many other models and versions there are."""
    (newest,) = Register(BOARD / "data").newest("micro")
    return sorted((BOARD / "results" / "micro" / newest.version).glob("micro_*.json"))


def panel_results() -> list[Result]:
    """What they hold."""
    return [read_result(path) for path in panel_files()]
