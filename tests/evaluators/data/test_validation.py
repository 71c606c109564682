"""ImageNet's validation pictures in their layouts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import datasets
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.results import Selection
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.data.validation import find_validation
from spurbench_evaluators.data.wnids import wnids
from tests.conftest import make_class
from tests.evaluators.data.layouts import (
    HUMMINGBIRD,
    KOALA,
    LAYOUTS,
    TENCH,
    hf_layout,
    kaggle_layout,
    png,
    torchvision_layout,
    write,
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pictures(tmp_path: Path, layout: str) -> None:
    found = find_validation(LAYOUTS[layout](tmp_path / "val"), {HUMMINGBIRD, KOALA})
    assert found.record.layout == layout
    pictures = list(found.pictures())
    got = {(p.label, sha256_bytes(p.data)) for p in pictures}
    expected = {(label, sha256_bytes(png(label * 10 + i))) for label in (94, 105) for i in range(4)}
    assert got == expected and all(p.sha256 == sha256_bytes(p.data) for p in pictures)
    assert sorted((p.label, p.index) for p in pictures) == [
        (label, i) for label in (94, 105) for i in range(4)
    ]
    assert found.count == 8
    few = find_validation(tmp_path / "val", {KOALA}, limit=2)
    assert len(list(few.pictures())) == few.count == 2


def test_a_data_set_without_a_validation_split_needs_its_split_named(tmp_path: Path) -> None:
    where = hf_layout(tmp_path / "val")
    named = find_validation(where, {KOALA}).record
    assert (named.name, named.split, named.revision) == ("imagenet-val", "validation", None)
    for file in sorted((where / "data").iterdir()):
        file.rename(file.with_name(file.name.replace("validation", "train")))
    said = "has no split validation or val, only train; say which .*: --val .*val:SPLIT"
    with pytest.raises(UserError, match=said):
        find_validation(where, {KOALA})
    found = find_validation(f"{where}:train", {KOALA})
    assert found.record.split == "train" and len(list(found.pictures())) == 4
    with pytest.raises(UserError, match="unknown split of .* 'tain'; did you mean 'train'"):
        find_validation(f"{where}:tain", {KOALA})


def test_the_commit_that_is_recorded_is_the_one_that_is_streamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, asked = hf_layout(tmp_path / "val"), []
    real = datasets.load_dataset

    def load(name: str, *, revision: str, streaming: bool) -> object:
        asked.append((name, revision))
        return real(str(where), streaming=streaming)

    def info(self: object, name: str, revision: str | None) -> SimpleNamespace:
        if revision != "v1":
            raise OSError("no such revision\nand more")
        return SimpleNamespace(sha="1" * 40)

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
    found = find_validation("some/imagenet@v1", {KOALA})
    assert asked == [("some/imagenet", "1" * 40)]
    assert (found.record.name, found.record.revision) == ("some/imagenet", "1" * 40)
    assert len(list(found.pictures())) == 4
    with pytest.raises(UserError, match=r"cannot be read as a data set .*\(no such revision\)$"):
        find_validation("some/imagenet@v2", {KOALA})


def test_a_stream_that_breaks_off_is_one_line(tmp_path: Path) -> None:
    where = hf_layout(tmp_path / "val")
    last = max((where / "data").iterdir())
    last.write_bytes(last.read_bytes()[:-40] + bytes(40))
    with pytest.raises(UserError, match="val: cannot be read as a data set"):
        find_validation(where, {KOALA})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_class_without_pictures_is_named(tmp_path: Path, layout: str) -> None:
    where = LAYOUTS[layout](tmp_path / "val")
    with pytest.raises(UserError, match="has no validation pictures for"):
        list(find_validation(where, {KOALA, 7}).pictures())


def test_only_needed_classes_are_read(tmp_path: Path) -> None:
    where = torchvision_layout(tmp_path / "val")
    for file in (where / wnids()[TENCH]).iterdir():
        file.unlink()
        file.mkdir()  # reading it would fail
    assert len(list(find_validation(where, {KOALA}).pictures())) == 4


def test_what_is_no_validation_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder of validation pictures"):
        find_validation(tmp_path / "none", {KOALA})
    with pytest.raises(UserError, match="no folders named by wnid"):
        find_validation(tmp_path, {KOALA})
    (tmp_path / "LOC_val_solution.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="lacks the columns ImageId, PredictionString"):
        find_validation(tmp_path, {KOALA})
    (tmp_path / "LOC_val_solution.csv").unlink()
    pq.write_table(pa.table({"picture": ["x"]}), tmp_path / "validation.parquet")
    with pytest.raises(UserError, match="cannot be read as a data set|has the columns"):
        find_validation(tmp_path, {KOALA})


def test_validation_joins_the_pictures_to_score(si: Path, tmp_path: Path) -> None:
    where = torchvision_layout(tmp_path / "val")
    source = open_source(si, Selection(classes=["koala"]), where)
    assert source.count == 3 + 4 and source.record.validation is not None
    pictures = list(source.pictures())
    assert [(p.slug, p.class_name, p.label, p.split) for p in pictures] == [
        ("koala", "koala", 105, split) for split in ["si"] * 3 + ["val"] * 4
    ]
    only = open_source(si, Selection(splits=["val"], limit=1), where)
    assert [(p.slug, p.split) for p in only.pictures()] == [
        ("hummingbird", "val"),
        ("koala", "val"),
    ]
    none = open_source(si, Selection(splits=["si"]), where)
    assert none.record.validation is None and none.count == 6


def test_validation_replaces_a_data_sets_own_and_is_imagenets(tmp_path: Path) -> None:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", KOALA, domain="imagenet")
    where = torchvision_layout(tmp_path / "val")
    source = open_source(tmp_path / "data", None, where)
    splits = [p.split for p in source.pictures()]
    assert splits == ["generated"] * 3 + ["si"] * 3 + ["val"] * 4 and source.count == 10
    make_class(tmp_path / "micro", tmp_path / "aside")
    with pytest.raises(UserError, match="--val is for ImageNet's validation pictures"):
        open_source(tmp_path / "micro", None, where)


def test_a_kaggle_picture_that_is_there_twice_is_named(tmp_path: Path) -> None:
    where = kaggle_layout(tmp_path / "val")
    name = f"ILSVRC2012_val_{KOALA:04}0000"
    write(where / "copy" / f"{name}.JPEG", 1)
    with pytest.raises(UserError, match=f"are both {name}; remove one of them"):
        find_validation(where, {KOALA})
    assert find_validation(where, {TENCH}).count == 4
