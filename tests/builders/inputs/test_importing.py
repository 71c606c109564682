"""Spurious ImageNet folders become data sets."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from datasets import load_dataset

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


def test_what_is_written_of_a_class(tmp_path: Path) -> None:
    """Pictures in the order of their names, hashes, where they are from; events as it goes."""
    koala, bird = (
        tmp_path / "si" / "spurious_koala_105_2",
        tmp_path / "si" / "spurious_hummingbird_94_1",
    )
    write_pictures(koala, 3)
    write_pictures(bird, 2)
    out = tmp_path / "deep" / "out"
    events = list(import_folder(tmp_path / "si", out))
    assert [(e.class_name, e.step, e.done, e.total, e.note) for e in events] == [
        ("import", "hummingbird", 0, 3, ""),
        ("import", "koala", 1, 3, ""),
        ("import", "si", 3, 3, "5 pictures of 2 classes"),
    ]
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    data = open_data_set(out)
    assert (data.manifest.name, data.manifest.domain) == ("si", "imagenet")
    entry = data.manifest.classes["koala"]
    assert entry.provenance == {"imported_from": "si"} and set(entry.splits) == {"si"}
    assert entry.splits["si"].pictures == 3
    found = find_classes(tmp_path / "si")
    assert {c.slug: c.feature for c in found} == {
        slug: entry.feature for slug, entry in data.manifest.classes.items()
    }
    rows = load_dataset(str(out), "koala", split="si")
    assert rows["index"] == [0, 1, 2] and rows["source"] == ["si"] * 3
    assert rows["label"] == [105] * 3 and rows["class_name"] == ["koala"] * 3
    assert rows["origin"] == [f"spurious_koala_105_2/{i}.png" for i in range(3)]
    for i, picture_found in enumerate(data.pictures(["koala"])):
        png = png_bytes(picture(i, (12, 8)))
        assert picture_found.data == png
        assert picture_found.sha256 == hashlib.sha256(png).hexdigest()


def test_a_data_set_is_not_written_over_and_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_pictures(tmp_path / "si" / "spurious_koala_105_2", 2)
    out = tmp_path / "out"
    out.mkdir()
    list(import_folder(tmp_path / "si", out))
    with pytest.raises(
        UserError, match="out: holds a data set already; name a new folder with --o"
    ):
        list(import_folder(tmp_path / "si", out))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        list(import_folder(tmp_path / "si", tmp_path / "full"))


def test_what_a_killed_import_left_is_not_taken_in(tmp_path: Path) -> None:
    write_pictures(tmp_path / "si" / "spurious_koala_105_2", 2)
    write_pictures(tmp_path / "other" / "spurious_tench_0_2", 2)
    out = tmp_path / "out"
    killed = import_folder(tmp_path / "other", out)
    for _ in range(1):
        next(killed)
    (tmp_path / ".out.import" / "data" / "data" / "tench").mkdir(parents=True)
    (tmp_path / ".out.import" / "data" / "data" / "tench" / "x.parquet").write_text("half")
    list(import_folder(tmp_path / "si", out))
    assert set(open_data_set(out).manifest.classes) == {"koala"}
    assert not (out / "data" / "tench").exists() and not (tmp_path / ".out.import").exists()
