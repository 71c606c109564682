"""Writing splits and classes: the columns, what is replaced, what is refused, in which order."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from spurbench.dataset.card import dataset_card
from spurbench.dataset.manifest import ClassEntry, read_manifest
from spurbench.dataset.schema import PanelPrediction, Row, features, split_file
from spurbench.dataset.write import check_target, install_class, split_entry, write_split
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from tests.conftest import make_class, picture

FULL = Row(
    png=png_bytes(picture(3, (5, 7))),
    label=4,
    class_name="flag pole",
    source="generated",
    index=12,
    origin="seed 2147483650",
    sha256="ab" * 32,
    prompt="a flag",
    seed=1 << 40,
    recipe="micro@0123",
    predictions=(PanelPrediction("micro/vit", 4, 0.75), PanelPrediction("micro/robust", 2, 0.125)),
    consistently_spurious=False,
    is_training_reference=True,
    object_probability=0.0625,
    nearest_reference="pool 3",
    nearest_distance=0.5,
    degenerate=False,
    safety_flagged=True,
)
BARE = Row(png_bytes(picture(4)), 4, "flag pole", "si", 0, "o", "cd" * 32)


def test_every_column_is_stored_under_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_split([FULL, BARE], path)
    full, bare = pq.read_table(path).to_pylist()
    known = {k: v for k, v in vars(FULL).items() if k not in {"png", "predictions"}}
    assert full == {
        **known,
        "image": {"bytes": FULL.png, "path": "generated-00012.png"},
        "predictions": [
            {"model": "micro/vit", "label": 4, "probability": 0.75},
            {"model": "micro/robust", "label": 2, "probability": 0.125},
        ],
    }
    assert bare["image"] == {"bytes": BARE.png, "path": "si-00000.png"}
    assert bare["predictions"] == []
    missing = {k for k, v in bare.items() if v is None}
    assert missing == {
        "prompt", "seed", "recipe", "consistently_spurious", "is_training_reference",
        "object_probability", "nearest_reference", "nearest_distance", "degenerate",
        "safety_flagged",
    }  # fmt: skip


def test_the_types_are_those_the_columns_are_read_as(tmp_path: Path) -> None:
    write_split([FULL], tmp_path / "x.parquet")
    again = load_dataset("parquet", data_files=str(tmp_path / "x.parquet"), split="train")
    assert again.features == features()
    kinds = {name: kind.dtype for name, kind in features().items() if name != "predictions"}
    assert kinds == {
        "image": "PIL.Image.Image", "label": "int32", "class_name": "string",
        "source": "string", "index": "int32", "origin": "string", "sha256": "string",
        "prompt": "string", "seed": "int64", "recipe": "string",
        "consistently_spurious": "bool", "is_training_reference": "bool",
        "object_probability": "float32", "nearest_reference": "string",
        "nearest_distance": "float32", "degenerate": "bool", "safety_flagged": "bool",
    }  # fmt: skip
    said = {name: kind.dtype for name, kind in features()["predictions"].feature.items()}
    assert said == {"model": "string", "label": "int32", "probability": "float32"}
    assert again[0]["image"].tobytes() == picture(3, (5, 7)).tobytes()


def test_a_split_needs_a_picture(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^x\.parquet: a split needs at least one picture$"):
        write_split([], tmp_path / "x.parquet")
    assert not list(tmp_path.iterdir())


def test_a_splits_entry(tmp_path: Path) -> None:
    file = tmp_path / "any"
    file.write_bytes(b"bytes")
    entry = split_entry("freight_car", "val", file, 7)
    assert entry.path == "data/freight_car/val-00000-of-00001.parquet"
    assert split_file("val") == "val-00000-of-00001.parquet"
    assert (entry.sha256, entry.pictures) == (hashlib.sha256(b"bytes").hexdigest(), 7)


def put(
    folder: Path, slug: str, files: dict[str, Path], name: str = "made", domain: str = "micro"
) -> None:
    entries = {split: split_entry(slug, split, file, 3) for split, file in files.items()}
    entry = ClassEntry(name=slug, label=1, feature="f", splits=entries, provenance={"n": 1})
    manifest = install_class(folder, name, domain, slug, entry, files)
    kept = read_manifest(folder)
    assert manifest == kept and list(manifest.classes) == list(kept.classes)
    assert (folder / "README.md").read_text(encoding="utf-8") == dataset_card(kept)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Finished splits, here of any bytes: installing looks at none."""
    places = {split: tmp_path / f"{split}.file" for split in ("si", "val")}
    for split, place in places.items():
        place.write_bytes(split.encode() * 5)
    return places


def test_classes_lie_side_by_side_and_are_listed_by_slug(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    folder = tmp_path / "d"
    put(folder, "wasp", files, "first name")
    put(folder, "bee", {"si": files["si"]}, "second name")
    manifest = read_manifest(folder)
    assert list(manifest.classes) == ["bee", "wasp"]
    assert (manifest.name, manifest.domain) == ("first name", "micro"), "the folder keeps its name"
    assert {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.parquet")} == {
        "data/bee/si-00000-of-00001.parquet": b"si" * 5,
        "data/wasp/si-00000-of-00001.parquet": b"si" * 5,
        "data/wasp/val-00000-of-00001.parquet": b"val" * 5,
    }  # fmt: skip


def test_a_split_that_is_gone_leaves_no_file_and_other_files_stay(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    folder = tmp_path / "d"
    put(folder, "bee", files)
    (folder / "data" / "bee" / "notes.txt").touch()
    (folder / "data" / "bee" / "old-00001-of-00002.parquet").touch()
    put(folder, "bee", {"val": files["val"]})
    names = sorted(p.name for p in (folder / "data" / "bee").iterdir())
    assert names == ["notes.txt", "val-00000-of-00001.parquet"]
    assert set(read_manifest(folder).classes["bee"].splits) == {"val"}


def test_the_manifest_is_written_last(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails before leaves the manifest that was there: it never names what is missing."""
    folder = tmp_path / "d"
    put(folder, "bee", {"si": files["si"]})
    before = (folder / "manifest.json").read_bytes()
    (folder / "README.md").unlink()
    (folder / "README.md").mkdir()
    with pytest.raises(OSError):
        put(folder, "wasp", files)
    assert (folder / "manifest.json").read_bytes() == before
    assert (folder / "data" / "wasp" / "val-00000-of-00001.parquet").is_file()
    (folder / "README.md").rmdir()
    put(folder, "wasp", files)
    assert set(read_manifest(folder).classes) == {"bee", "wasp"}


def test_folders_that_are_no_place_for_a_data_set(tmp_path: Path) -> None:
    package, other, file = (tmp_path / name for name in ("package", "other", "file"))
    package.mkdir()
    (package / "__init__.py").touch()
    other.mkdir()
    (other / "thesis.txt").touch()
    file.touch()
    for folder, said in [
        (
            package,
            "is a Python package, not a place for a data set; name another with --out DIR",
        ),
        (
            other,
            "holds other files and no manifest.json; name an empty or new folder with --out",
        ),
        (file, "is a file; name another folder with --out"),
    ]:
        with pytest.raises(UserError) as error:
            check_target(folder)
        assert str(error.value) == f"{folder}: {said}"
        with pytest.raises(UserError, match="--out"):
            make_class(folder, tmp_path / "aside")
    assert [p.name for p in other.iterdir()] == ["thesis.txt"]
    (other / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match="not a spurbench manifest"):
        check_target(other)


def test_folders_that_may_hold_one(tmp_path: Path, files: dict[str, Path]) -> None:
    check_target(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".DS_Store").touch()
    check_target(tmp_path / "empty")
    put(tmp_path / "ours", "bee", files)
    (tmp_path / "ours" / "notes.txt").touch()
    check_target(tmp_path / "ours")


def test_another_domain_is_refused(tmp_path: Path, files: dict[str, Path]) -> None:
    folder = tmp_path / "d"
    put(folder, "bee", files)
    with pytest.raises(UserError) as error:
        put(folder, "tench", files, domain="imagenet")
    assert str(error.value) == (
        f"{folder}: holds the domain 'micro', not 'imagenet'; name another folder with --out"
    )
    assert not (folder / "data" / "tench").exists()
