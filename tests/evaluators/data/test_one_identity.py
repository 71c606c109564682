"""The same pictures have one fingerprint, wherever and however they lie."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurbench.dataset import part
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_json
from spurbench.results import DataRecord, Selection
from spurbench_builders.inputs.importing import import_folder
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.data.validation import find_validation
from spurbench_evaluators.data.wnids import wnids
from spurbench_evaluators.run.framing import Framing
from tests.conftest import ROOT, make_class
from tests.core.dataset.made import put
from tests.evaluators.data.layouts import (
    HUMMINGBIRD,
    KOALA,
    LAYOUTS,
    TENCH,
    kaggle_layout,
    png,
    torchvision_layout,
    write,
    zipped,
)

PHOTOGRAPHS = ROOT / "tests" / "data" / "real"


def told(record: DataRecord) -> tuple[str, ...]:
    return record.name, record.domain, record.version, record.fingerprint


def packed(folder: Path, out: Path) -> Path:
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return out


def test_folder_zip_and_imported_set_are_one(si: Path, tmp_path: Path) -> None:
    """Also where the folder is called another name, or lies deeper."""
    list(import_folder(si, tmp_path / "out"))
    places = [si, zipped(si, tmp_path / "any.zip"), tmp_path / "out"]
    list(import_folder(tmp_path / "any.zip", tmp_path / "again"))
    places.append(tmp_path / "again")
    records = {told(open_source(place).record) for place in places}
    renamed = si.rename(tmp_path / "quite another")
    (renamed / "images").rename(renamed / "pictures")
    records.add(told(open_source(renamed).record))
    ((name, domain, version, fingerprint),) = records
    assert (name, domain) == ("spurious-imagenet", "imagenet")
    assert version == "c" + fingerprint[:12]
    assert fingerprint == open_data_set(tmp_path / "out").manifest.fingerprint()
    write(renamed / "pictures" / "spurious_koala_105_2" / "0.png", 99)
    assert told(open_source(renamed).record) not in records


def test_photographs_with_a_manifest_too(tmp_path: Path) -> None:
    list(import_folder(PHOTOGRAPHS, tmp_path / "out"))
    places = [PHOTOGRAPHS, packed(PHOTOGRAPHS, tmp_path / "x.zip"), tmp_path / "out"]
    found = [open_source(place) for place in places]
    assert len({told(source.record) for source in found}) == 1
    first, *others = [
        {(p.sha256, p.slug, p.label, p.index, p.data, p.credit.licence) for p in s.pictures()}
        for s in found
    ]
    assert len(first) == 14 and all(other == first for other in others)


def test_validation_pictures_in_three_layouts_are_one(tmp_path: Path) -> None:
    """Whatever the folder is called; of the pictures that are scored, in any order."""
    labels = {HUMMINGBIRD, KOALA}
    records = [
        find_validation(make(tmp_path / f"my {layout}"), labels).record
        for layout, make in LAYOUTS.items()
    ]
    seeds = [(label, 10 * label + i) for label in (KOALA, HUMMINGBIRD) for i in range(4)]
    pictures = sorted([label, sha256_bytes(png(seed))] for label, seed in seeds)
    assert {record.fingerprint for record in records} == {sha256_json(pictures)}
    assert {record.name for record in records} == {"imagenet-val"}
    assert [record.layout for record in records] == list(LAYOUTS)


def test_validation_pictures_known_by_label_and_content(tmp_path: Path) -> None:
    where = torchvision_layout(tmp_path / "val")

    def fingerprint(*labels: int) -> str:
        return find_validation(where, set(labels)).record.fingerprint

    before = fingerprint(KOALA, TENCH)
    koala, tench = where / wnids()[KOALA], where / wnids()[TENCH]
    first = min(koala.iterdir())
    first.rename(koala / "renamed.JPEG")
    assert fingerprint(KOALA, TENCH) == before, "by content, not by name"
    assert fingerprint(KOALA) != before
    (koala / "renamed.JPEG").rename(tench / "renamed.JPEG")
    assert fingerprint(KOALA, TENCH) != before, "under another label"


def test_counts_are_known_before_anything_is_scored(tmp_path: Path) -> None:
    for layout, make in LAYOUTS.items():
        found = find_validation(make(tmp_path / layout), {KOALA, TENCH}, 3)
        assert found.counts == {KOALA: 3, TENCH: 3} and found.count == 6
        assert len(list(found.pictures())) == len(list(found.pictures())) == 6


def test_a_streams_picture_from_elsewhere_on_the_disk_is_not_read(tmp_path: Path) -> None:
    """A foreign table names a file of this machine; one that lies beside the table is read."""
    write(tmp_path / "secret.png", 1)
    write(tmp_path / "d" / "in" / "beside.png", 2)
    for path, said in [
        (tmp_path / "secret.png", "names a picture outside"),
        (tmp_path / "d" / ".." / "secret.png", "names a picture outside"),
        ("/etc/hostname", "names a picture outside"),
        (tmp_path / "d" / "in" / "gone.png", "cannot be read"),
        (tmp_path / "d" / "in" / "beside.png", ""),
    ]:
        table = pa.table({"image": [{"bytes": None, "path": str(path)}], "label": [KOALA]})
        pq.write_table(table, tmp_path / "d" / "validation.parquet")
        if said:
            with pytest.raises(UserError, match=said):
                find_validation(tmp_path / "d", {KOALA})
        else:
            assert [p.data for p in find_validation(tmp_path / "d", {KOALA}).pictures()] == [png(2)]


def test_a_hub_id_and_its_commit_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache's folder is named by the commit; a folder of one's own is no identity."""
    commit = "0123456789abcdef" * 2 + "01234567"
    make_class(tmp_path / commit, tmp_path / "aside", "koala", KOALA, domain="imagenet")
    make_class(tmp_path / "v1", tmp_path / "aside", "koala", KOALA, domain="imagenet")
    places = {"v2": tmp_path / commit, "v1": tmp_path / "v1"}
    places[commit] = places["v2"]
    monkeypatch.setattr(part, "snapshot", lambda text, revision, only: places[revision or "v1"])
    monkeypatch.chdir(tmp_path)
    record = open_source("some/one", Selection(splits=["si"]), revision="v2").record
    assert (record.hub_id, record.revision) == ("some/one", commit)
    record = open_source("some/one@v1").record
    assert (record.hub_id, record.revision) == ("some/one", None)
    local = open_source(tmp_path / commit).record
    assert (local.hub_id, local.revision) == (None, None)
    assert told(local) == told(record)


def test_validation_pictures_stand_for_every_feature_of_a_class(tmp_path: Path) -> None:
    """And for a data set's own validation splits, whatever those are called."""
    splits = {"si": ("si", [[1]]), "own": ("val", [[2]]), "val": ("generated", [[3]])}
    put(tmp_path / "d", "koala", KOALA, splits, domain="imagenet")
    fence = {"si": ("si", [[4], [5]])}
    put(tmp_path / "d", "koala_fence", KOALA, fence, "koala", "a fence", domain="imagenet")
    where = kaggle_layout(tmp_path / "val")
    source = open_source(tmp_path / "d", None, where)
    assert source.classes == {"koala": ("koala", KOALA), "koala_fence": ("koala", KOALA)}
    pictures = list(source.pictures())
    assert source.count == len(pictures) == 1 + 1 + 2 + 2 * 4
    kinds = [(p.slug, p.split, p.kind) for p in pictures if p.split != "val"]
    assert kinds == [("koala", "si", "si"), *[("koala_fence", "si", "si")] * 2]
    told_val = [(p.slug, p.kind, p.index) for p in pictures if p.split == "val"]
    assert told_val[0] == ("koala", "generated", 0)
    assert sorted(told_val[1:]) == [
        (slug, "val", i) for slug in ("koala", "koala_fence") for i in range(4)
    ]


def test_pictures_are_framed_by_kind(tmp_path: Path) -> None:
    from spurbench.contracts import Transform

    framing = Framing("si", Transform("shortest", 8, 8), Transform("crop", 8, 9))
    put(tmp_path / "d", "koala", 5, {"val": ("si", [[1]]), "held_out": ("val", [[2]])})
    shown = {p.split: framing.of(p.kind).framing for p in open_data_set(tmp_path / "d").pictures()}
    assert shown == {"val": "shortest", "held_out": "crop"}
