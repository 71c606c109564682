"""Files of known data sets: written from a folder, proven by their own fingerprint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spurbench.dataset.manifest import ClassEntry, Manifest
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.results import DataRecord
from spurbench.scores.predictions import read_predictions
from spurbench_leaderboard.known import (
    KnownDataSet,
    Register,
    panel_of,
    read_known,
    write_known,
)
from tests.conftest import ROOT
from tests.core.dataset.made import emptied, png, put
from tests.evaluators.test_cli import call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two seeds of one kind side by side, a split in two files, and two features of one class."""
    splits = {
        "si": ("si", [[1, 2], [3]]),
        "generated_seed1": ("generated", [[4]]),
        "val": ("val", [[5]]),
    }
    put(tmp_path / "d", "koala", 5, splits)
    put(tmp_path / "d", "koala_2", 5, {"si": ("si", [[6]])}, name="koala")
    return tmp_path / "d"


def test_a_folder_as_it_is_known(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """--data is where it is written."""
    from spurbench.files import sha256_bytes

    assert call(monkeypatch, "leaderboard", "register", folder, "--data", tmp_path / "known") == 0
    manifest = open_data_set(folder).manifest
    path = tmp_path / "known" / "micro" / f"{manifest.version}.json"
    assert capsys.readouterr().out == f"{path}: 6 pictures of 2 classes\n"
    data = json.loads(path.read_text(encoding="utf-8"))
    hashes = [sha256_bytes(png(seed)) for seed in (1, 2, 3)]
    assert data["classes"]["koala"]["splits"]["si"] == {
        "kind": "si", "pictures": dict(zip("012", hashes, strict=True)),
    }  # fmt: skip
    assert data["fingerprint"] == manifest.fingerprint()
    register = Register(tmp_path / "known")
    known = register.find("micro", manifest.version)
    assert known == KnownDataSet.of(open_data_set(folder)) == read_known(path)
    assert known.count == 6 and register.names() == [f"micro/{manifest.version}"]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: is no folder; name that of known data sets"):
        Register(tmp_path / "file")
    assert register.find("micro", "c0") is None and Register(tmp_path / "none").names() == []


def test_an_empty_split_is_a_part_of_the_fingerprint(folder: Path) -> None:
    emptied(folder, "koala", "val")
    known = KnownDataSet.of(open_data_set(folder))
    assert known.classes["koala"].splits["val"].pictures == {}


def _other_picture(data: dict[str, Any]) -> None:
    data["classes"]["koala"]["splits"]["si"]["pictures"]["1"] = "0" * 64


def _one_less(data: dict[str, Any]) -> None:
    del data["classes"]["koala"]["splits"]["si"]["pictures"]["2"]


def _other_label(data: dict[str, Any]) -> None:
    data["classes"]["koala"]["label"] = 4


def _other_kind(data: dict[str, Any]) -> None:
    data["classes"]["koala"]["splits"]["generated_seed1"]["kind"] = "si"


def _other_version(data: dict[str, Any]) -> None:
    data["version"] = "c0123456789ab"


def _path(data: dict[str, Any]) -> None:
    data["domain"] = "../micro"


def _no_index(data: dict[str, Any]) -> None:
    data["classes"]["koala"]["splits"]["si"]["pictures"]["-1"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_other_picture, "the fingerprint is not that of the pictures"),
        (_one_less, "the fingerprint is not that of the pictures"),
        (_other_label, "the fingerprint is not that of the pictures"),
        (_other_kind, "the fingerprint is not that of the pictures"),
        (_other_version, "the version is not that of the fingerprint"),
        (_path, "domain: String should match pattern"),
        (_no_index, "String should match pattern"),
    ],
)
def test_a_file_proves_itself(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    known = KnownDataSet.of(open_data_set(folder))
    path = known.path_under(tmp_path)
    write_known(known, path)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(UserError, match=f"not a known data set .*{said}.*; write it again with"):
        Register(tmp_path).find("micro", known.version)


def test_a_full_disk_leaves_nothing_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spurbench_leaderboard import known as module

    def full(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True)
        raise OSError(28, "no space")

    monkeypatch.setattr(module, "write_text", full)
    known = KnownDataSet.of(open_data_set(folder))
    with pytest.raises(OSError, match="no space"):
        write_known(known, known.path_under(tmp_path / "known"))
    assert not (tmp_path / "known").exists()


def test_a_file_lies_where_its_content_belongs(folder: Path, tmp_path: Path) -> None:
    known = KnownDataSet.of(open_data_set(folder))
    write_known(known, tmp_path / "micro" / "c1.json")
    with pytest.raises(
        UserError, match=f"holds the data set micro/{known.version}; write it again"
    ):
        Register(tmp_path).find("micro", "c1")


def test_the_boards_own_data_set_is_known_and_its_results_are_of_it() -> None:
    register = Register(ROOT / "leaderboard" / "data")
    for path in (ROOT / "leaderboard" / "results").rglob("*.parquet"):
        data = read_predictions(path).provenance.data
        known = register.find(data.domain, data.version)
        assert known and known.fingerprint == data.fingerprint


def _manifest(*provenances: dict[str, Any]) -> Manifest:
    classes = {
        f"k{i}": ClassEntry(name="k", label=i, feature="f", splits={}, provenance=each)
        for i, each in enumerate(provenances)
    }
    return Manifest(name="n", domain="micro", classes=classes)


ROBUST = {"robust 2 micro/robust": "c" * 64}
PANEL = {"panel 0 timm/a b": "a" * 64, "panel 1 micro/vit": "b" * 64}


@pytest.mark.parametrize(
    ("provenances", "expected"),
    [
        ([{"filtered": True, "weights": {**PANEL, **ROBUST, "base": "d" * 64}}],
         ["micro/robust", "micro/vit", "timm/a b"]),
        ([{"filtered": False, "weights": {**PANEL, **ROBUST}}], ["micro/robust"]),
        ([{"weights": {"referee 0 micro/referee": "e" * 64}}], []),
        ([{"imported_from": "SI"}, {"weights": ROBUST}], ["micro/robust"]),
        ([{"filtered": True, "weights": PANEL}, {"filtered": True, "weights": PANEL}],
         ["micro/vit", "timm/a b"]),
        ([{"imported_from": "SI"}, {}], None),
        ([{"weights": "none"}], None),
        ([{"weights": {"robust": "c" * 64, "robust 1 x": 7, "robust 2 y": "short"}}], []),
    ],
)  # fmt: skip
def test_the_panel_is_who_a_builds_provenance_says(
    provenances: list[dict[str, Any]], expected: list[str] | None
) -> None:
    """Whoever wrote it: a manifest comes from outside."""
    found = panel_of(_manifest(*provenances))
    assert (found if found is None else [member.spec for member in found]) == expected
    if found:
        weights = {"micro/robust": "c", "micro/vit": "b", "timm/a b": "a"}
        assert all(m.weights_sha256 == weights[m.spec] * 64 for m in found)


def test_a_build_is_registered_with_its_panel(tmp_path: Path, folder: Path) -> None:
    manifest_file = folder / "manifest.json"
    data = json.loads(manifest_file.read_text())
    data["classes"]["koala"]["provenance"] = {"filtered": True, "weights": PANEL}
    manifest_file.write_text(json.dumps(data))
    known = KnownDataSet.of(open_data_set(folder))
    assert known.panel_weights == frozenset({"a" * 64, "b" * 64})
    write_known(known, tmp_path / "k.json")
    assert read_known(tmp_path / "k.json") == known


def test_a_file_that_says_nothing_of_a_panel_is_read(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "k.json"
    write_known(KnownDataSet.of(open_data_set(folder)), path)
    data = json.loads(path.read_text())
    assert data.pop("panel") is None
    path.write_text(json.dumps(data))
    assert read_known(path).panel_weights is None


def test_what_another_came_after_is_old(tmp_path: Path) -> None:
    register = Register(ROOT / "leaderboard" / "data")
    (new,) = register.newest("micro")
    record = DataRecord(name="x", domain="micro", version=new.version, fingerprint="0" * 64)
    assert not register.is_old(record)
    assert new.supersedes and all(
        register.is_old(record.model_copy(update={"version": v})) for v in new.supersedes
    )
    assert not register.is_old(record.model_copy(update={"domain": "macro"}))
    assert not Register(tmp_path / "none").is_old(record)
