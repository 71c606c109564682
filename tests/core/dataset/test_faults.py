"""What a data set folder says of itself that is not so: found when it is opened or read, in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from tests.core.dataset.made import edited, png, put, rehashed, spoiled

Rows = list[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "d", "bee", 2, {"si": ("si", [[21, 22]])})
    put(tmp_path / "d", "koala", 5, {"si": ("si", [[1, 2], [3]]), "val": ("val", [[4]])})
    return tmp_path / "d"


def koala(folder: Path, i: int = 1) -> Path:
    return folder / "data" / "koala" / f"si-0000{i}-of-00002.parquet"


def opened(folder: Path) -> str:
    """What opening it and reading all of it says, in one line."""
    with pytest.raises(UserError) as said:
        list(open_data_set(folder).pictures())
    assert "\n" not in str(said.value)
    return str(said.value)


def test_another_classs_label_in_the_manifest(folder: Path) -> None:
    edited(folder, lambda d: d["classes"]["koala"].update(label=2))
    assert opened(folder) == (
        f"{folder}: manifest.json gives koala/si the label 2, but its pictures have 5; rebuild the "
        "data set"
    )


def test_another_classs_name_in_the_manifest(folder: Path) -> None:
    edited(folder, lambda d: d["classes"]["koala"].update(name="bee"))
    assert "gives koala/si the class name 'bee', but its pictures have 'koala'" in opened(folder)


def test_another_kind_in_the_manifest(folder: Path) -> None:
    edited(folder, lambda d: d["classes"]["koala"]["splits"]["val"].update(kind="generated"))
    assert "gives koala/val the kind 'generated', but its pictures have 'val'" in opened(folder)


def test_another_label_in_one_row_of_the_last_file(folder: Path) -> None:
    spoiled(koala(folder), lambda rows: rows[0].update(label=2))
    assert "gives koala/si the label 5, but its pictures have 2" in opened(folder)


def test_pictures_that_change_places_between_classes(folder: Path) -> None:
    """Every file is whole and rightly hashed; only what the manifest says of it is another's."""

    def swap(data: dict[str, Any]) -> None:
        bee, other = (data["classes"][slug]["splits"] for slug in ("bee", "koala"))
        bee["si"], other["si"] = other["si"], bee["si"]

    edited(folder, swap)
    assert "gives bee/si the label 2, but its pictures have 5" in opened(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[0].update(sha256=sha256_bytes(b"another")),
        lambda rows: rows[0].update(index=7),
        lambda rows: rows.append(rows[0]),
        lambda rows: rows.clear(),
    ],
)
def test_rows_that_are_not_those_recorded(folder: Path, change: Callable[[Rows], object]) -> None:
    spoiled(koala(folder), change)
    assert opened(folder) == (
        f"{folder}: the pictures of koala/si are not those that manifest.json records; rebuild the "
        "data set"
    )


def test_files_in_another_order_and_counts_that_are_not_so(folder: Path) -> None:
    edited(folder, lambda d: d["classes"]["koala"]["splits"]["si"]["files"].reverse())
    assert "the pictures of koala/si are not those" in opened(folder)
    edited(folder, lambda d: d["classes"]["koala"]["splits"]["si"]["files"].reverse())
    files = ("classes", "koala", "splits", "si", "files")
    edited(
        folder, lambda d: d[files[0]][files[1]][files[2]][files[3]][files[4]][0].update(pictures=9)
    )
    assert "the pictures of koala/si are not those" in opened(folder)


def test_an_index_that_comes_twice_though_recorded_so(tmp_path: Path) -> None:
    from spurbench.dataset.manifest import read_manifest

    put(tmp_path / "d", "koala", 5, {"si": ("si", [[1, 2]])})
    file = tmp_path / "d" / "data" / "koala" / "si-00000-of-00001.parquet"
    spoiled(file, lambda rows: rows[1].update(index=0))
    from spurbench.dataset.write import split_entry

    content = split_entry("koala", "si", file).content
    edited(tmp_path / "d", lambda d: d["classes"]["koala"]["splits"]["si"].update(content=content))
    assert read_manifest(tmp_path / "d").classes["koala"].splits["si"].content == content
    assert "the pictures of koala/si are not those" in opened(tmp_path / "d")


def test_a_sha256_column_that_is_not_the_pictures(folder: Path) -> None:
    """The picture is another's, the hashes all fit one another: seen when its bytes are read."""
    spoiled(koala(folder), lambda rows: rows[0]["image"].update(bytes=png(99)))
    assert open_data_set(folder).count() == 6
    assert opened(folder) == (
        f"{koala(folder)}: the bytes of picture 2 are not those of its sha256; rebuild the data set"
    )


def test_a_picture_that_is_only_named_is_not_fetched(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png(3))
    secret = {"bytes": None, "path": str(tmp_path / "secret.png")}
    spoiled(koala(folder), lambda rows: rows[0].update(image=secret))
    assert "the bytes of picture 2 are not those of its sha256" in opened(folder)
    spoiled(koala(folder), lambda rows: rows[0].update(image=None))
    assert "the bytes of picture 2 are not those of its sha256" in opened(folder)


@pytest.mark.parametrize("column", ["label", "class_name", "source", "index", "sha256"])
def test_columns_with_gaps(folder: Path, column: str) -> None:
    spoiled(koala(folder), lambda rows: rows[0].update({column: None}))
    assert opened(folder) == (
        f"{koala(folder)}: the column {column} has gaps; rebuild the data set"
    )


@pytest.mark.parametrize("column", ["label", "image", "sha256", "origin", "index"])
def test_columns_that_are_missing(folder: Path, column: str) -> None:
    file = koala(folder)
    pq.write_table(pq.read_table(file).drop_columns([column]), file)
    rehashed(file)
    assert opened(folder) == (f"{file}: the column {column} is missing; rebuild the data set")


@pytest.mark.parametrize("column", ["label", "image", "sha256", "origin", "index"])
def test_columns_that_stand_twice(folder: Path, column: str) -> None:
    file = koala(folder)
    table = pq.read_table(file)
    pq.write_table(table.append_column(column, table[column]), file)
    rehashed(file)
    assert opened(folder) == (f"{file}: the column {column} stands twice; rebuild the data set")


@pytest.mark.parametrize(
    ("column", "values"),
    [("label", ["5"]), ("index", [[1]]), ("sha256", [b"x"]), ("image", [b"png"]), ("source", [1])],
)
def test_columns_of_another_type(folder: Path, column: str, values: list[object]) -> None:
    file = koala(folder)
    table = pq.read_table(file).drop_columns([column])
    pq.write_table(table.append_column(column, pa.array(values)), file)
    rehashed(file)
    said = opened(folder)
    assert f"{file}: the column {column} is of another type" in said


@pytest.mark.parametrize("size", [0, 3, 100, -1])
def test_a_file_that_is_cut_and_hashed_again(folder: Path, size: int) -> None:
    file = koala(folder)
    file.write_bytes(file.read_bytes()[:size])
    rehashed(file)
    assert opened(folder).startswith(f"{file}: cannot be read as a split (")


def test_a_picture_pages_bytes_that_are_broken_and_hashed_again(folder: Path) -> None:
    """The table's head and the cheap columns are whole."""
    file = koala(folder)
    data = bytearray(file.read_bytes())
    at = data.index(png(3)[8:40])
    data[at - 60 : at] = bytes(60)
    file.write_bytes(bytes(data))
    rehashed(file)
    assert str(file) in opened(folder)


LISTED_AS_TEXT = """{"schema_version": 2, "name": "x", "domain": "y", "classes": {"a": {"name": "a",
"label": 1, "feature": "f", "provenance": {}, "splits": {"si": {"kind": "si", "files": "all",
"content": "0000000000000000000000000000000000000000000000000000000000000000"}}}}}"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "not a spurbench manifest"),
        ("null", "not a spurbench manifest"),
        ("{}", r"not a spurbench manifest (schema_version is missing)"),
        ('{"schema_version": 2}', "(name: Field required)"),
        ('{"schema_version": 2, "classes": 7}', "not a spurbench manifest"),
        ('{"schema_version": 1, "classes": {"a": {"splits": {"si": {}}}}}', "(path is missing)"),
        (
            LISTED_AS_TEXT,
            "(classes.a.splits.si.files: Input should be a valid list)",
        ),
        ('{"schema_version": 2, "classes": {}, "name": "x", "domain": "Y"}', "(domain: String"),
        (
            '{"schema_version": 1, "classes": {"a": {"splits": {"si": {"path": "x"}}}}}',
            "(label is missing)",
        ),
        ("[" * 100_000, "not a spurbench manifest"),
        ('{"schema_version": 1' + "0" * 5000 + "}", "not a spurbench manifest"),
        ('{"schema_version": 1' + "0" * 90 + "}", "made by a newer spurbench"),
    ],
)
def test_a_manifest_that_is_none_names_the_field(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    found = opened(tmp_path)
    assert found.startswith(f"{tmp_path}/manifest.json: ") and said in found
    assert len(found) < len(str(tmp_path)) + 300
