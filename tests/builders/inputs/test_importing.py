"""Spurious ImageNet folders become data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.dataset.folders import find_classes
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.inputs.importing import import_folder
from tests.conftest import picture


def write_pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        (folder / f"{i}.png").write_bytes(png_bytes(picture(i, (12, 8))))


def test_folder_names_give_index_and_class(tmp_path: Path) -> None:
    write_pictures(tmp_path / "si" / "spurious_hummingbird_94_1", 3)
    write_pictures(tmp_path / "si" / "spurious_koala_105_2", 2)
    list(import_folder(tmp_path / "si", tmp_path / "out"))
    data = open_data_set(tmp_path / "out")
    assert {s: (e.name, e.label) for s, e in data.manifest.classes.items()} == {
        "hummingbird": ("hummingbird", 94),
        "koala": ("koala", 105),
    }
    assert [p.split for p in data.pictures()] == ["si"] * 5


def test_manifest_csv(tmp_path: Path) -> None:
    write_pictures(tmp_path / "tench_0", 2)
    (tmp_path / "manifest.csv").write_text(
        "path,class_full,in1k_index\ntench_0/0.png,tench,0\ntench_0/1.png,tench,0\n"
    )
    (found,) = find_classes(tmp_path)
    assert (found.name, found.label, len(found.pictures)) == ("tench", 0, 2)


def test_two_classes_of_one_name_are_both_kept(tmp_path: Path) -> None:
    write_pictures(tmp_path / "birds", 1)
    (tmp_path / "manifest.csv").write_text(
        "path,class_full,in1k_index\nbirds/0.png,crane,134\nbirds/0.png,crane,517\n",
        encoding="utf-8-sig",
    )
    list(import_folder(tmp_path, tmp_path / "out"))
    assert set(open_data_set(tmp_path / "out").manifest.classes) == {"crane_134", "crane_517"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\n", "lacks the columns class_full, in1k_index"),
        ("path,class_full,in1k_index\na.png,tench,x\n", "line 2: in1k_index 'x'"),
        ("path,class_full,in1k_index\na.png,tench,²\n", "line 2: in1k_index '²'"),
        ("path,class_full,in1k_index\na.png\n", "line 2: in1k_index ''"),
        ("path,class_full,in1k_index\n", "lists no pictures"),
        ("path,class_full,in1k_index\n../../etc/passwd,tench,0\n", "outside its folder"),
    ],
)
def test_bad_manifests(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        find_classes(tmp_path)


def test_no_classes_and_broken_pictures_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no class folders"):
        find_classes(tmp_path / "empty")
    write_pictures(tmp_path / "si" / "spurious_koala_105_2", 2)
    (tmp_path / "si" / "spurious_koala_105_2" / "1.png").write_bytes(b"broken")
    with pytest.raises(UserError, match="1.png"):
        list(import_folder(tmp_path / "si", tmp_path / "out"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "si"]
