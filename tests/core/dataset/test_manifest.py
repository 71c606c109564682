"""manifest.json: what its fingerprint covers, and what is refused as one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spurbench.dataset.manifest import (
    ClassEntry,
    FileEntry,
    Manifest,
    SplitEntry,
    read_manifest,
    write_manifest,
)
from spurbench.errors import UserError
from tests.conftest import make_class


def entry(name: str, label: int, **contents: str) -> ClassEntry:
    """``contents``: two digits, which are repeated."""
    splits = {}
    for split, content in contents.items():
        file = FileEntry(path=f"data/{name}/{split}.parquet", sha256="0f" * 32, pictures=3)
        splits[split] = SplitEntry(kind="si", files=[file], content=content * 32)
    return ClassEntry(
        name=name, label=label, feature="façade", splits=splits, provenance={"seeds": [2, 1]}
    )


def made() -> Manifest:
    classes = {"koala": entry("koala", 5, si="a1", val="b2"), "bee": entry("bee", 2, si="c3")}
    return Manifest(name="made", domain="micro", classes=classes)


def test_the_fingerprint_is_of_every_splits_content() -> None:
    a, b, c = "a1" * 32, "b2" * 32, "c3" * 32
    text = f'{{"bee":{{"si":"{c}"}},"koala":{{"si":"{a}","val":"{b}"}}}}'
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert made().fingerprint() == expected
    assert made().version == f"c{expected[:12]}"


def test_the_fingerprint_tells_classes_and_splits_apart() -> None:
    """The same contents elsewhere are other contents; the order of a file's classes is none."""
    bee, koala = made().classes["bee"], made().classes["koala"]
    classes: list[dict[str, ClassEntry]] = [
        {"koala": koala, "bee": entry("bee", 2, si="c4")},
        {"koala": koala, "bee": entry("bee", 2, val="c3")},
        {"koala": entry("koala", 5, si="b2", val="a1"), "bee": bee},
        {"koala": koala, "wasp": bee},
        {"koala": koala},
        {"bee": koala, "koala": bee},
    ]
    others = {made().model_copy(update={"classes": each}).fingerprint() for each in classes}
    assert len(others | {made().fingerprint()}) == len(classes) + 1
    turned = made().model_copy(update={"classes": {"bee": bee, "koala": koala}})
    assert turned.fingerprint() == made().fingerprint()


def test_another_label_is_another_content(tmp_path: Path) -> None:
    """A label is part of a split's content: a class rebuilt under another label changes the version."""
    for name, label in (("a", 5), ("b", 5), ("c", 6)):
        make_class(tmp_path / name, tmp_path / f"{name}-aside", label=label)
    same, again, other = (read_manifest(tmp_path / n).fingerprint() for n in "abc")
    assert same == again != other


def test_what_is_written_is_read_back_and_sorted_for_people(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_manifest(folder, made())
    assert read_manifest(folder) == made()
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    lines = text.split("\n")
    assert lines[:2] == ["{", ' "classes": {'] and lines[-2:] == ["}", ""]
    assert lines[2] == '  "bee": {' and "façade" in text
    assert json.loads(text) == made().model_dump()
    assert json.loads(text)["schema_version"] == 2


def altered(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    data = made().model_dump()
    change(data)
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(data))


@pytest.mark.parametrize("path", ["../../secret.parquet", "/etc/passwd", "data\\..\\x", "a/../b"])
def test_a_manifest_names_no_file_outside(tmp_path: Path, path: str) -> None:
    """In the last class's last split, too."""
    folder = tmp_path / "d"
    altered(folder, lambda d: d["classes"]["koala"]["splits"]["val"]["files"][0].update(path=path))
    with pytest.raises(UserError) as error:
        read_manifest(folder)
    assert str(error.value) == (
        f"{folder}/manifest.json: names a file outside the data set: {path!r}"
    )


def test_a_link_to_a_blob_elsewhere_is_inside(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    altered(
        folder, lambda d: d["classes"]["bee"]["splits"]["si"]["files"][0].update(path="data/..x/si")
    )
    assert read_manifest(folder).classes["bee"].splits["si"].files[0].path == "data/..x/si"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(domain="../../escaped"),
        lambda d: d.update(domain=""),
        lambda d: d["classes"].update({"../x": d["classes"]["bee"]}),
        lambda d: d["classes"].update({"Bee": d["classes"]["bee"]}),
        lambda d: d["classes"].update({"a-b": d["classes"]["bee"]}),
        lambda d: d["classes"]["bee"]["splits"].update({"a/b": d["classes"]["bee"]["splits"]["si"]}),
        lambda d: d["classes"]["bee"]["splits"]["si"].update(files=[]),
        lambda d: d["classes"]["bee"]["splits"]["si"].update(kind="other"),
        lambda d: d["classes"]["bee"]["splits"]["si"].update(content="a1"),
        lambda d: d["classes"]["bee"].pop("label"),
    ],
)  # fmt: skip
def test_what_is_no_manifest(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    folder = tmp_path / "d"
    altered(folder, change)
    with pytest.raises(UserError) as error:
        read_manifest(folder)
    said = str(error.value)
    assert said.startswith(f"{folder}/manifest.json: not a spurbench manifest (")
    assert said.endswith("); rebuild the data set") and "\n" not in said


def test_what_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(UserError, match="manifest.json: not text in UTF-8"):
        read_manifest(tmp_path)


def test_folders_without_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UserError) as error:
        read_manifest(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: not a spurbench data set (no manifest.json); make one with "
        "`spurbench build` or `spurbench import-si`"
    )
    for nowhere in (tmp_path / "nowhere", tmp_path / "thesis.txt"):
        with pytest.raises(UserError) as error:
            read_manifest(nowhere)
        assert str(error.value) == (
            f"{nowhere}: no such data set folder; make one with `spurbench build` or "
            "`spurbench import-si`"
        )


def test_records_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        made().name = "other"
