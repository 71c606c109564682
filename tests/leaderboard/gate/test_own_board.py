"""The results that this repository brings pass its own gate."""

from __future__ import annotations

from spurbench_leaderboard.gate.check import check
from spurbench_leaderboard.gate.reader import Reader
from tests.conftest import ROOT

BOARD = ROOT / "leaderboard"


def test_nothing_is_found(reader: Reader) -> None:
    report = check([], BOARD / "results", BOARD / "data", None, reader)
    assert report.findings == () and len(report.files) >= 4
