"""Where pictures come from: Spurious ImageNet as handed out, ImageNet's validation layouts."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace

import datasets
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurbench.dataset.folders import find_classes
from spurbench.dataset.read import StoredPicture
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from spurbench.results import Selection
from spurbench_builders.inputs.importing import import_folder
from spurbench_evaluators.data.hub import is_hub_id, split_id
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.data.validation import find_validation
from spurbench_evaluators.data.wnids import wnids
from tests.conftest import make_class, picture

HUMMINGBIRD, KOALA, TENCH = 94, 105, 0


def png(seed: int) -> bytes:
    return png_bytes(picture(seed, (12, 8)))


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(seed))


@pytest.fixture
def si(tmp_path: Path) -> Path:
    for i in range(3):
        write(tmp_path / "si" / "images" / "spurious_hummingbird_94_1" / f"{i}.png", i)
        write(tmp_path / "si" / "images" / "spurious_koala_105_2" / f"{i}.png", 10 + i)
    return tmp_path / "si"


def zipped(folder: Path, out: Path) -> Path:
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder.parent))
    return out


def facts(pictures: list[StoredPicture]) -> list[tuple[object, ...]]:
    return [(p.slug, p.class_name, p.label, p.split, p.index, p.sha256, p.data) for p in pictures]


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


def torchvision_layout(root: Path) -> Path:
    for label in (HUMMINGBIRD, KOALA, TENCH):
        for i in range(4):
            write(root / wnids()[label] / f"ILSVRC2012_val_{label:04}{i:04}.JPEG", label * 10 + i)
    return root


def kaggle_layout(root: Path) -> Path:
    lines = ["ImageId,PredictionString"]
    for label in (HUMMINGBIRD, KOALA, TENCH):
        for i in range(4):
            name = f"ILSVRC2012_val_{label:04}{i:04}"
            write(root / "ILSVRC" / "Data" / "CLS-LOC" / "val" / f"{name}.JPEG", label * 10 + i)
            lines.append(f"{name},{wnids()[label]} 1 2 3 4 {wnids()[label]} 5 6 7 8 ")
    (root / "LOC_val_solution.csv").write_text("\n".join(lines))
    return root / "ILSVRC" / "Data" / "CLS-LOC" / "val"


def hf_layout(root: Path) -> Path:
    """Two shards of parquet, labels mixed, as the hub's ImageNet keeps them."""
    rows = [(label, i) for i in range(4) for label in (KOALA, TENCH, HUMMINGBIRD)]
    (root / "data").mkdir(parents=True)
    for shard in range(2):
        part = rows[shard::2] if shard else rows[0::2]
        images = [{"bytes": png(label * 10 + i), "path": f"{label}-{i}.JPEG"} for label, i in part]
        table = pa.table({"image": images, "label": [label for label, _ in part]})
        pq.write_table(table, root / "data" / f"validation-{shard:05}-of-00002.parquet")
    return root


LAYOUTS = {"torchvision": torchvision_layout, "kaggle": kaggle_layout, "hf": hf_layout}


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
    assert found.count in (8, None)
    few = find_validation(tmp_path / "val", {KOALA}, limit=2)
    assert len(list(few.pictures())) == few.count == 2


def test_a_data_set_without_a_validation_split_needs_its_split_named(tmp_path: Path) -> None:
    where = hf_layout(tmp_path / "val")
    named = find_validation(where, {KOALA}).record
    assert (named.name, named.split, named.revision) == ("val", "validation", None)
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
    found = find_validation(hf_layout(tmp_path / "val"), {KOALA})
    for file in (tmp_path / "val" / "data").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match="val: cannot be read as a data set"):
        list(found.pictures())


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
    with pytest.raises(UserError, match="not Kaggle's solution file"):
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


def test_a_kaggle_picture_that_is_there_twice_is_named(tmp_path: Path) -> None:
    where = kaggle_layout(tmp_path / "val")
    name = f"ILSVRC2012_val_{KOALA:04}0000"
    write(where / "copy" / f"{name}.JPEG", 1)
    with pytest.raises(UserError, match=f"are both {name}; remove one of them"):
        find_validation(where, {KOALA})
    assert find_validation(where, {TENCH}).count == 4


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
