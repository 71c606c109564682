"""Classes shared out over folders, and folders put together again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.contracts import ClassCard
from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.write import write_about
from spurbench.errors import UserError
from spurbench_builders.run.shards import Shard, merge_data_sets, parse_shard, shard_folder
from tests.builders.run.test_build import digests
from tests.conftest import make_class

CARDS = [ClassCard(f"class {i}", i, "x", "y") for i in range(8)]


def test_each_shard_has_every_nth_class() -> None:
    assert [[c.label for c in Shard(i, 3).of(CARDS)] for i in (1, 2, 3)] == [
        [0, 3, 6],
        [1, 4, 7],
        [2, 5],
    ]
    assert Shard(1, 1).of(CARDS) == CARDS and Shard(9, 9).of(CARDS) == []


@given(st.integers(0, 30), st.integers(1, 12))
def test_every_class_is_in_one_shard_alone(classes: int, count: int) -> None:
    cards = [ClassCard(f"class {i}", i, "x", "y") for i in range(classes)]
    parts = [Shard(i, count).of(cards) for i in range(1, count + 1)]
    assert sorted(c.label for part in parts for c in part) == list(range(classes))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_shards_are_written_as_i_of_n() -> None:
    assert parse_shard(" 2/4 ") == Shard(2, 4) and parse_shard("12/12") == Shard(12, 12)
    assert parse_shard("1/1") == Shard(1, 1)
    for wrong in ("0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/2/3", "1 / 2", ""):
        with pytest.raises(UserError) as caught:
            parse_shard(wrong)
        assert str(caught.value) == (f"--shard {wrong!r}: give I/N with I from 1 to N, such as 2/4")
    assert shard_folder(Path("a/b.c"), Shard(2, 3)) == Path("a/b.c.shard-2-of-3")
    assert shard_folder(Path("a/b.c"), Shard(1, 1)) == Path("a/b.c")


def sheet(folder: Path, name: str, text: str) -> None:
    (folder / "contact").mkdir(exist_ok=True)
    (folder / "contact" / f"{name}.png").write_text(text)


def test_merging_brings_every_class_its_splits_and_its_sheet(tmp_path: Path) -> None:
    """In any order, and one that two folders have alike once."""
    whole, one, two = (tmp_path / n for n in ("whole", "one", "two"))
    for i, name in enumerate(("koala", "gondola", "fireboat")):
        for folder in (whole, two if i else one):
            make_class(folder, tmp_path / "aside", name, label=i, seed=1000 * i, count=2 + i)
    make_class(one, tmp_path / "aside", "fireboat", label=2, seed=2000, count=4)
    sheet(one, "koala", "koala's")
    sheet(two, "gondola", "gondola's")
    for slug in ("koala", "gondola"):
        sheet(whole, slug, f"{slug}'s")
    write_about(whole, read_manifest(whole))  # the card shows the sheets
    for number, folders in enumerate(([one, two], [two, one])):
        out = tmp_path / f"merged{number}"
        manifest = merge_data_sets(folders, out)
        merged = digests(out)
        assert merged == digests(whole)
        assert manifest == read_manifest(out) == read_manifest(whole)
        assert sorted(p.name for p in (out / "contact").iterdir()) == ["gondola.png", "koala.png"]
        assert (out / "contact" / "koala.png").read_text() == "koala's"


def test_the_merged_set_has_the_first_ones_name(tmp_path: Path) -> None:
    for folder, name, title in (("one", "koala", "first"), ("two", "gondola", "second")):
        make_class(tmp_path / folder, tmp_path / "aside", name, label=len(name))
        path = tmp_path / folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"name": title}))
    for first, second, title in (("one", "two", "first"), ("two", "one", "second")):
        manifest = merge_data_sets([tmp_path / first, tmp_path / second], tmp_path / title)
        assert manifest.name == title and list(manifest.classes) == ["gondola", "koala"]


def refused(folders: list[Path], out: Path) -> str:
    with pytest.raises(UserError) as caught:
        merge_data_sets(folders, out)
    return str(caught.value)


def test_what_cannot_be_merged_is_named(tmp_path: Path) -> None:
    a, b, c, out = (tmp_path / n for n in ("a", "b", "c", "out"))
    make_class(a, tmp_path / "aside", "koala", seed=1)
    make_class(b, tmp_path / "aside", "gondola", label=2, seed=5)
    make_class(b, tmp_path / "aside", "koala", seed=2)
    make_class(c, tmp_path / "aside", "tench", domain="imagenet")
    assert refused([a, b], out) == (f"class 'koala' differs between {a} and {b}; leave one out")
    assert refused([a, c], out) == (
        "data sets of different domains cannot be merged: micro, imagenet"
    )
    split = b / "data" / "gondola" / "val-00000-of-00001.parquet"
    whole = split.read_bytes()
    split.write_bytes(whole[:-1])
    assert refused([b], out) == (
        f"{split}: differs from what manifest.json records; rebuild the data set"
    )
    split.unlink()
    assert refused([b], out) == f"{split}: missing; run the build again, or remove the data set"
    split.write_bytes(whole)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    assert "holds other files" in refused([b], tmp_path / "full")
    assert not out.exists()
    merge_data_sets([b], out)
    assert digests(out) == digests(b)


def test_a_disk_that_refuses_is_one_line(tmp_path: Path) -> None:
    make_class(tmp_path / "a", tmp_path / "aside", "koala")
    (tmp_path / "file").write_text("in the way")
    said = refused([tmp_path / "a"], tmp_path / "file" / "out")
    assert "a file of that name is in the way" in said
