"""A board with a panel member, a picture left out, a model that names no object, and a hostile name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from spurbench.files import sha256_bytes
from spurbench.results import DataRecord, Result, read_results
from spurbench_leaderboard.gate.reader import Reader
from spurbench_leaderboard.known import KnownDataSet, PanelMember
from spurbench_leaderboard.site.making import make_site
from tests.leaderboard.gate.made import Board, board, submitted

PANEL, BLIND = "made/panel", "made/blind"
HOSTILE = "made/</script><img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class Shown:
    """A board, what is known of its data set, and its site."""

    board: Board
    known: KnownDataSet
    folder: Path

    @property
    def results(self) -> list[Result]:
        return read_results(self.board.results)

    def know(self, data: DataRecord) -> KnownDataSet | None:
        return self.known if data.fingerprint == self.known.fingerprint else None

    def of(self, spec: str) -> Result:
        (found,) = [result for result in self.results if result.model.spec == spec]
        return found


@pytest.fixture(scope="package")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    root = tmp_path_factory.mktemp("site")
    made = board(root)
    for seed, spec in enumerate([PANEL, HOSTILE, "timm/vit_small.augreg_in21k_ft_in1k"]):
        submitted(made, spec, seed, parameters=3_000_000 * (seed + 1))
    submitted(made, "=cmd|calc", 7, architecture="timm resnet50", label_space="imagenet-1k")
    submitted(made, BLIND, 8, lean=-9.0)
    submitted(made, "made/gap", 9, unreadable=1)
    known = KnownDataSet.of(made.data)
    member = PanelMember(spec=PANEL, weights_sha256=sha256_bytes(PANEL.encode()))
    known = known.model_copy(update={"panel": [member]})
    found = Shown(made, known, root / "page")
    with Reader() as reader:
        make_site(
            made.results, found.results, found.know, [made.data.folder], found.folder, reader.read
        )
    return found
