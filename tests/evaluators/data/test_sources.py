"""Where pictures come from: Spurious ImageNet as it is handed out, and zips."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from spurbench.dataset.folders import find_classes
from spurbench.dataset.hub import is_hub_id, split_id
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.results import Selection
from spurbench_builders.inputs.importing import import_folder
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.data.validation import find_validation
from spurbench_evaluators.data.wnids import wnids
from tests.evaluators.data.layouts import (
    KOALA,
    facts,
    png,
    torchvision_layout,
    write,
    zipped,
)


def test_a_folder_and_its_zip_are_the_same_pictures(si: Path, tmp_path: Path) -> None:
    folder, archive = open_source(si), open_source(zipped(si, tmp_path / "si.zip"))
    assert facts(list(folder.pictures())) == facts(list(archive.pictures()))
    assert folder.count == archive.count == 6
    assert folder.record.domain == "imagenet"
    first = next(folder.pictures())
    assert (first.slug, first.label, first.split) == ("hummingbird", 94, "si")
    assert first.sha256 == sha256_bytes(png(0)) == sha256_bytes(first.data)
    list(import_folder(tmp_path / "si.zip", tmp_path / "out"))
    imported = open_source(tmp_path / "out")
    assert imported.classes == folder.classes and imported.count == 6


def test_the_fingerprint_is_of_the_contents(si: Path) -> None:
    before = open_source(si)
    part = open_source(si, Selection(classes=["koala"], limit=2))
    assert part.record.fingerprint == before.record.fingerprint
    assert [(p.slug, p.index) for p in part.pictures()] == [("koala", 0), ("koala", 1)]
    write(si / "images" / "spurious_koala_105_2" / "1.png", 99)
    assert open_source(si).record.fingerprint != before.record.fingerprint


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(classes=["koalla"]), "did you mean 'koala'"),
        (Selection(splits=["generated"]), "unknown split of Spurious ImageNet 'generated'"),
    ],
)
def test_selections_that_are_not_there(si: Path, selection: Selection, said: str) -> None:
    with pytest.raises(UserError, match=said):
        open_source(si, selection)


def test_broken_zips(tmp_path: Path, si: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(b"PK\3\4 nothing")
    with pytest.raises(UserError, match=r"broken\.zip: neither a folder nor a zip"):
        open_source(path)
    whole = zipped(si, tmp_path / "si.zip").read_bytes()
    at = whole.index(png(0)[20:60])
    path.write_bytes(whole[:at] + b"?" + whole[at + 1 :])
    with pytest.raises(UserError, match="cannot be read .*CRC"):
        open_source(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("spurious_koala_105_2/0.png", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(UserError, match="bytes is no picture"):
        open_source(path)


def test_what_is_nothing_to_score(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("a")
    for name, said in [
        ("none", "no such data set folder"),
        ("empty", "not a spurbench data set"),
        ("other", "no class folders"),
    ]:
        with pytest.raises(UserError, match=said):
            open_source(tmp_path / name)
    with pytest.raises(UserError, match="neither a folder here nor a data set that the hub gives"):
        open_source("nobody-of-this-name/nothing")


def test_hub_ids() -> None:
    assert is_hub_id("org/name") and is_hub_id("org/name@v1.0")
    assert not any(map(is_hub_id, ("name", "./org/name", "/org/name", "a/b/c", "org/")))
    assert split_id("org/name@v1", None) == ("org/name", "v1")
    assert split_id("org/name", "v2") == ("org/name", "v2")


def test_what_systems_hide_is_no_picture(si: Path, tmp_path: Path) -> None:
    whole = facts(list(open_source(si).pictures()))
    (si / "images" / "spurious_koala_105_2" / "._0.png").write_bytes(b"hidden")
    aside = si.parent / "__MACOSX" / "si" / "images" / "spurious_koala_105_2"
    aside.mkdir(parents=True)
    (aside / "9.png").write_bytes(b"aside")
    out = tmp_path / "mac.zip"
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(p for p in tmp_path.rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path))
    for where in (si, out):
        assert facts(list(open_source(where).pictures())) == whole
    where = torchvision_layout(tmp_path / "val")
    (where / wnids()[KOALA] / "._a.JPEG").write_bytes(b"hidden")
    assert len(list(find_validation(where, {KOALA}).pictures())) == 4


def test_a_list_in_a_zip_that_unpacks_too_far_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("manifest.csv", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    with pytest.raises(UserError, match="bytes is no picture nor list"):
        open_source(path)


def test_the_manifest_layout_is_still_found_directly(tmp_path: Path) -> None:
    write(tmp_path / "tench_0" / "0.png", 1)
    (tmp_path / "manifest.csv").write_text("path,class_full,in1k_index\ntench_0/0.png,tench,0\n")
    (found,) = find_classes(zipped_flat(tmp_path))
    assert (found.name, found.origins) == ("tench", ("tench_0/0.png",))


def zipped_flat(folder: Path) -> Path:
    out = folder / "flat.zip"
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("manifest.csv", "tench_0/0.png"):
            archive.write(folder / name, name)
    return out
