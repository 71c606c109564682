"""Every kind of damage is found and named, alone; a sound data set has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spurbench_publishing.verify.checks import verify
from spurbench_publishing.verify.kinds import KINDS
from spurbench_publishing.verify.report import Report
from tests.conftest import ROOT
from tests.publishing.made import file_of, mended, noise, rewritten, sound, sound_imagenet
from tests.publishing.verify.damage import DAMAGE, LICENCES, NOTED, copied


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("whole") / "spurbench")


@pytest.fixture(scope="module")
def licensed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound_imagenet(tmp_path_factory.mktemp("licensed") / "spurbench")


def faults(report: Report) -> set[str]:
    return {finding.kind for finding in report.findings if finding.severity == "fault"}


def test_a_sound_data_set_has_no_findings(whole: Path, licensed: Path) -> None:
    for folder in (whole, licensed):
        report = verify(folder)
        assert report.findings == () and report.sound
    assert verify(whole).pictures == 2 * 4 + 3 * 3 + 2 * 2 and verify(whole).classes == 2


def test_an_older_folder_has_notes_alone() -> None:
    report = verify(ROOT / "tests" / "data" / "version_1")
    assert report.sound and report.pictures == 7
    assert {f.kind for f in report.findings} == {"column-older", "made-unknown", "card-older"}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_nothing_else(name: str, whole: Path, tmp_path: Path) -> None:
    spoil, kinds = DAMAGE[name]
    folder = copied(whole, tmp_path / "d")
    spoil(folder)
    report = verify(folder)
    assert faults(report) == kinds, [str(f) for f in report.findings]
    assert kinds and not report.sound


@pytest.mark.parametrize(
    ("slug", "split", "first", "start", "more", "kinds"),
    [
        ("hummingbird", "generated_seed4", 200, 220, 0.0, set()),
        ("hummingbird", "generated_seed4", 200, 220, 0.02, {"distance"}),
        ("hummingbird", "generated_seed4", 200, 220, -0.02, {"distance"}),
        ("koala", "generated", 100, 110, 0.0, {"distance"}),
    ],
)
def test_of_several_seeds_the_distance_is_that_to_the_reference_which_is_named(
    slug: str,
    split: str,
    first: int,
    start: int,
    more: float,
    kinds: set[str],
    whole: Path,
    tmp_path: Path,
) -> None:
    """The farther of the two marked ones: another seed may have trained on the nearer. Where there is
    one seed it is the nearest of all, or at fault."""
    own = np.asarray(noise(start + 1), dtype=float) / 255
    apart = {
        k: float(((np.asarray(noise(k), dtype=float) / 255 - own) ** 2).mean() ** 0.5)
        for k in (first, first + 1)
    }
    far = max(apart, key=lambda k: apart[k])
    assert max(apart.values()) - min(apart.values()) > 1e-3

    def change(found: list[dict[str, Any]]) -> None:
        found[1]["nearest_reference"] = f"made {far}"
        found[1]["nearest_distance"] = apart[far] + more

    folder = copied(whole, tmp_path / "d")
    rewritten(file_of(folder, slug, split), change)
    mended(folder)
    assert faults(verify(folder)) == kinds


@pytest.mark.parametrize("name", LICENCES)
def test_licences_that_are_gone_are_found(name: str, licensed: Path, tmp_path: Path) -> None:
    spoil, kinds = LICENCES[name]
    folder = copied(licensed, tmp_path / "d")
    spoil(folder)
    assert faults(verify(folder)) == kinds


@pytest.mark.parametrize("name", NOTED)
def test_what_is_no_fault_is_noted(name: str, whole: Path, tmp_path: Path) -> None:
    spoil, kind = NOTED[name]
    folder = copied(whole, tmp_path / "d")
    spoil(folder)
    report = verify(folder)
    notes = {finding.kind for finding in report.findings if finding.severity == "note"}
    assert kind in notes and "near-copy" not in notes - {kind}


def test_every_kind_of_finding_is_planted_somewhere() -> None:
    planted = {kind for _, kinds in [*DAMAGE.values(), *LICENCES.values()] for kind in kinds}
    planted |= {kind for _, kind in NOTED.values()}
    of_older = {"column-older", "made-unknown", "card-older"}
    assert planted | of_older == set(KINDS)
    assert len(planted - {kind for _, kind in NOTED.values()}) >= 20


def test_all_that_is_wrong_is_in_one_report(whole: Path, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path / "d")
    together = ["a file gone", "a stale card", "a script", "a validation reference"]
    for name in ("a validation reference", "a stale card", "a script"):
        DAMAGE[name][0](folder)
    file_of(folder, "hummingbird").unlink()
    expected = set.union(*(DAMAGE[name][1] for name in together))
    assert faults(verify(folder)) >= expected


def test_places_are_told(whole: Path, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path / "d")
    DAMAGE["a verdict"][0](folder)
    (found,) = verify(folder).findings
    assert (found.place.slug, found.place.split, found.place.index) == ("koala", "generated", 1)
    assert found.place.file == "data/koala/generated-00000-of-00001.parquet"
    assert found.what == "False, not True"
