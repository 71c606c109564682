"""Data set version 2: several files, splits, seeds and features; what its fingerprint covers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from spurbench.dataset.manifest import Manifest, read_manifest, write_manifest
from spurbench.dataset.read import open_data_set
from spurbench.dataset.schema import Row, ending
from spurbench.dataset.write import split_entry, write_split
from spurbench.errors import UserError
from tests.core.dataset.made import edited, files_of, png, put, rehashed

SPLITS = {
    "si": ("si", [[1, 2], [3]]),
    "generated": ("generated", [[4]]),
    "generated_seed1": ("generated", [[5], [6, 7], [8]]),
    "val": ("val", [[9, 10]]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "spurbench", "koala", 5, SPLITS)
    more = {"si": ("si", [[11, 12]]), "hard_val": ("val", [[13]])}
    put(tmp_path / "spurbench", "koala_fence", 5, more, name="koala", feature="a fence")
    return tmp_path / "spurbench"


def seeds(folder: Path, **chosen: Any) -> list[tuple[str, str, str, int, bytes]]:
    found = open_data_set(folder).pictures(**chosen)
    return [(p.slug, p.split, p.kind, p.index, p.data) for p in found]


def test_files_of_a_split_follow_one_another_and_kinds_are_told(folder: Path) -> None:
    expected = [
        ("koala", split, kind, i, png(seed))
        for split, (kind, parts) in sorted(SPLITS.items())
        for i, seed in enumerate(s for part in parts for s in part)
    ]
    assert seeds(folder, classes=["koala"])[: len(expected)] == expected
    assert [p[:2] for p in seeds(folder, classes=["koala_fence"])] == [
        ("koala_fence", "hard_val"),
        ("koala_fence", "si"),
        ("koala_fence", "si"),
    ]
    assert [p[3] for p in seeds(folder, splits=["generated_seed1"], limit=3)] == [0, 1, 2]


def test_a_name_is_all_features_of_a_class_and_a_slug_one(folder: Path) -> None:
    data = open_data_set(folder)
    assert {slug for slug, _ in data.groups(["koala_fence"])} == {"koala_fence"}
    # "koala" is a slug too, and slugs go first
    assert {slug for slug, _ in data.groups(["koala"])} == {"koala"}
    edited(folder, lambda d: d["classes"].update(koala_leaves=d["classes"].pop("koala")))
    renamed = read_manifest(folder)
    from spurbench.dataset.read import DataSet

    assert {slug for slug, _ in DataSet(folder, renamed).groups(["koala"])} == {
        "koala_leaves",
        "koala_fence",
    }


def test_datasets_reads_every_split_in_a_process_of_its_own(folder: Path) -> None:
    code = (
        "import json; from datasets import load_dataset\n"
        "said = {c: {s: list(zip(p['index'], p['source'])) for s, p in load_dataset('spurbench', c)"
        ".items()} for c in ('koala', 'koala_fence', 'default')}\n"
        "said['size'] = load_dataset('spurbench', 'koala')['generated_seed1'][3]['image'].size\n"
        "print(json.dumps(said))"
    )
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parent, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["koala"] == {
        split: [[i, kind] for i in range(sum(map(len, parts)))]
        for split, (kind, parts) in SPLITS.items()
    }
    assert said["koala_fence"] == {"si": [[0, "si"], [1, "si"]], "hard_val": [[0, "val"]]}
    counts = {name: len(rows) for name, rows in said["default"].items()}
    assert counts == {"si": 5, "generated": 1, "generated_seed1": 4, "hard_val": 1, "val": 2}
    assert said["size"] == [6, 4]


@pytest.mark.parametrize("split", ["1", "null", "off", "1e5", "0", "_", "train", "y"])
def test_datasets_reads_splits_of_any_name(tmp_path: Path, split: str) -> None:
    put(tmp_path / "d", "no", 5, {split: ("si", [[1], [2]]), "si": ("si", [[3]])})
    found = load_dataset(str(tmp_path / "d"), "no")
    assert {name: len(rows) for name, rows in found.items()} == {split: 2, "si": 1}


def test_the_fingerprint_is_as_the_page_says(folder: Path) -> None:
    """Computed here from the parquet files and the words of docs/format.md."""

    def canonical(value: object) -> str:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    contents: dict[str, dict[str, str]] = {}
    for place in sorted((folder / "data").iterdir()):
        for split in sorted({file.name.split("-")[0] for file in place.iterdir()}):
            rows = [
                row
                for file in sorted(place.glob(f"{split}-*.parquet"))
                for row in pq.read_table(file).to_pylist()
            ]
            contents.setdefault(place.name, {})[split] = canonical(
                {
                    "label": 5,
                    "slug": place.name,
                    "split": split,
                    "kind": rows[0]["source"],
                    "pictures": [
                        [row["index"], hashlib.sha256(row["image"]["bytes"]).hexdigest()]
                        for row in rows
                    ],
                }
            )
    manifest = read_manifest(folder)
    assert {s: set(e.splits) for s, e in manifest.classes.items()} == {
        s: set(c) for s, c in contents.items()
    }
    assert manifest.fingerprint() == canonical(contents)
    assert manifest.version == "c" + canonical(contents)[:12]


def test_the_fingerprint_is_of_the_content_and_not_of_the_files(tmp_path: Path) -> None:
    """One file or three, another compression, more columns: one data set. Order, label, slug,
    split, kind, index and pictures: another."""
    one = {"si": ("si", [[1, 2, 3]])}
    base = put(tmp_path / "a", "koala", 5, one).fingerprint()
    assert put(tmp_path / "b", "koala", 5, {"si": ("si", [[1], [2, 3]])}).fingerprint() == base
    file = tmp_path / "a" / "data" / "koala" / "si-00000-of-00001.parquet"
    pq.write_table(pq.read_table(file), file, compression="gzip")
    rehashed(file)
    assert open_data_set(tmp_path / "a").manifest.fingerprint() == base
    others = {
        put(tmp_path / "c", "koala", 6, one).fingerprint(),
        put(tmp_path / "d", "koalas", 5, one, name="koala").fingerprint(),
        put(tmp_path / "e", "koala", 5, {"si_b": ("si", [[1, 2, 3]])}).fingerprint(),
        put(tmp_path / "f", "koala", 5, {"si": ("generated", [[1, 2, 3]])}).fingerprint(),
        put(tmp_path / "g", "koala", 5, {"si": ("si", [[2, 1, 3]])}).fingerprint(),
        put(tmp_path / "h", "koala", 5, {"si": ("si", [[1, 2, 4]])}).fingerprint(),
        put(tmp_path / "i", "koala", 5, {"si": ("si", [[1, 2]])}).fingerprint(),
    }
    assert len(others | {base}) == 8


def test_a_splits_files_are_of_one_label_and_kind(tmp_path: Path) -> None:
    files = files_of(tmp_path / "x", "koala", 5, "si", [[1]])
    files += files_of(tmp_path / "x", "koala", 6, "si", [[2]])
    with pytest.raises(UserError, match="koala/si: a split needs pictures, all of one label"):
        split_entry("koala", "si", *files)


def test_what_a_newer_writer_added_survives_another_class(folder: Path, tmp_path: Path) -> None:
    def more(data: dict[str, Any]) -> None:
        data["doi"] = ["10.1/x", None]
        koala = data["classes"]["koala"]
        koala["wnid"] = "n01882714"
        koala["splits"]["si"]["reviewed"] = {"by": "two"}
        koala["splits"]["si"]["files"][1]["bytes"] = 12

    edited(folder, more)
    before = json.loads((folder / "manifest.json").read_text())
    put(folder, "bee", 2, {"si": ("si", [[20]])})
    after = json.loads((folder / "manifest.json").read_text())
    assert "bee" in after["classes"] and after["doi"] == ["10.1/x", None]
    assert after["classes"]["koala"] == before["classes"]["koala"]
    assert open_data_set(folder).count() == 13 + 1


@pytest.mark.parametrize("name", ["all", "default", "a-b", "", "A", "ä", "a/b"])
def test_names_that_a_slug_or_split_cannot_have(folder: Path, name: str) -> None:
    """`all` and `default` mean something else to `datasets`; others lead astray as paths."""
    before = (folder / "manifest.json").read_bytes()
    edited(folder, lambda d: d["classes"].update({name: d["classes"]["koala"]}))
    with pytest.raises(UserError, match=f"manifest.json: not a spurbench manifest .classes.{name}"):
        read_manifest(folder)
    (folder / "manifest.json").write_bytes(before)
    koala = ("classes", "koala", "splits")
    edited(folder, lambda d: d[koala[0]][koala[1]][koala[2]].update({name: {}}))
    with pytest.raises(UserError, match=f"not a spurbench manifest .classes.koala.splits.{name}"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (3, r"made by a newer spurbench \(data set version 3; this one reads up to 2\); upgrade$"),
        (
            99,
            r"made by a newer spurbench \(data set version 99; this one reads up to 2\); upgrade$",
        ),
        (0, "not a spurbench manifest"),
        ("2", "not a spurbench manifest"),
        (True, "not a spurbench manifest"),
        (None, "not a spurbench manifest"),
        (2.0, "not a spurbench manifest"),
    ],
)
def test_versions(folder: Path, version: object, said: str) -> None:
    edited(folder, lambda d: d.update(schema_version=version))
    with pytest.raises(UserError, match=said):
        read_manifest(folder)


def test_a_newer_version_is_named_whatever_else_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"schema_version": 3, "tables": []}')
    with pytest.raises(UserError, match="made by a newer spurbench"):
        open_data_set(tmp_path)


NAMES = st.from_regex(r"\A[a-z0-9_]{1,9}\Z").filter(lambda n: n not in {"all", "default"})
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
EXTRA = st.dictionaries(
    st.text(min_size=1).map(lambda key: f"x {key}"),
    st.none() | st.integers() | st.text() | st.lists(st.booleans(), max_size=2),
    max_size=2,
)
FILES = st.builds(
    lambda n, h, c, x: {"path": f"data/{n}", "sha256": h, "pictures": c} | x,
    NAMES, HASHES, st.integers(0, 10**9), EXTRA,
)  # fmt: skip
SPLIT = st.builds(
    lambda k, f, c, r, s, x: {"kind": k, "files": f, "content": c, "recipe": r, "seed": s} | x,
    st.sampled_from(["si", "generated", "val"]), st.lists(FILES, min_size=1, max_size=3), HASHES,
    st.none() | st.text(), st.none() | st.integers(-5, 2**70), EXTRA,
)  # fmt: skip
CLASS = st.builds(
    lambda n, k, f, s, x: {"name": n, "label": k, "feature": f, "splits": s, "provenance": {}} | x,
    st.text(), st.integers(-1, 10**6), st.text(), st.dictionaries(NAMES, SPLIT, max_size=3), EXTRA,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(name=st.text(), classes=st.dictionaries(NAMES, CLASS, max_size=3), extra=EXTRA)
def test_any_manifest_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    classes: dict[str, Any],
    extra: dict[str, Any],
) -> None:
    from spurbench.dataset.card import dataset_card

    folder = tmp_path_factory.mktemp("any")
    data = {"schema_version": 2, "name": name, "domain": "micro", "classes": classes} | extra
    manifest = Manifest.model_validate(data)
    write_manifest(folder, manifest)
    assert read_manifest(folder) == manifest
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8")) == data
    counted = {
        f"{s}/{n}": sum(f["pictures"] for f in split["files"])
        for s, c in classes.items()
        for n, split in c["splits"].items()
    }
    assert counted == {
        f"{s}/{n}": split.pictures
        for s, c in manifest.classes.items()
        for n, split in c.splits.items()
    }
    dataset_card(manifest).encode()


@pytest.mark.parametrize(
    ("begin", "suffix"),
    [
        (b"\x89PNG\r\n\x1a\n..", ".png"),
        (b"\xff\xd8\xff\xe0", ".jpg"),
        (b"RIFF\1\2\3\4WEBPVP8 ", ".webp"),
        (b"RIFF\1\2\3\4WAVE", ""),
        (b"GIF89a", ".gif"),
        (b"BM12", ".bmp"),
        (b"II*\0", ".tif"),
        (b"MM\0*", ".tif"),
        (b"DDS ", ""),
        (b"", ""),
    ],
)
def test_a_stored_name_ends_as_its_bytes_begin(tmp_path: Path, begin: bytes, suffix: str) -> None:
    assert ending(begin) == suffix
    write_split([Row(begin, 5, "koala", "si", 7, "o", "x")], tmp_path / "f.parquet")
    (row,) = pq.read_table(tmp_path / "f.parquet").to_pylist()
    assert row["image"] == {"bytes": begin, "path": f"si-00007{suffix}"}
