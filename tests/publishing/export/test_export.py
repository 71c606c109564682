"""`spurbench export`: read back with the readers that each format is for; whole or not at all."""

from __future__ import annotations

import csv
import errno
import gc
import io
import json
import math
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spurbench.dataset.read import open_data_set
from spurbench.dataset.schema import Row
from spurbench_publishing.export import table, webdataset
from spurbench_publishing.export.formats import FORMATS
from tests.conftest import picture
from tests.core.dataset.made import emptied, spoiled
from tests.core.dataset.made_rows import (
    HOSTILE,
    encoded,
    install,
    put_hostile,
    put_koala,
    put_other,
    row,
    said,
)
from tests.evaluators.test_cli import call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put_koala(tmp_path / "set")
    put_other(tmp_path / "set")
    shutil.rmtree(tmp_path / "set-aside")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "set"


def export(monkeypatch: pytest.MonkeyPatch, to: str, out: str, *words: object) -> int:
    return call(monkeypatch, "export", "set", "--to", to, "--out", out, *words)


def stored(folder: Path) -> dict[tuple[str, str, int], Row]:
    data_set = open_data_set(folder)
    return {(c, s, r.index): r for c, s in data_set.groups() for r in data_set.rows(c, s)}


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def members_of(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


def records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_torchvision_reads_the_tree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import ImageFolder

    assert export(monkeypatch, "imagefolder", "out") == 0
    rows = stored(folder)
    found = ImageFolder("out/si")
    assert found.classes == ["freight_car", "koala"] and len(found) == 6
    for (path, number), (image, _) in zip(found.samples, found, strict=True):
        slug, name = Path(path).parts[-2:]
        own = rows[slug, "si", int(Path(name).stem)]
        assert Path(path).read_bytes() == own.data and found.classes[number] == slug
        assert image.tobytes() == Image.open(io.BytesIO(own.data)).convert("RGB").tobytes()
    assert ImageFolder("out/generated").classes == ["koala"]
    told = {each["file"]: each for each in records(Path("out/columns.csv"))}
    assert set(told) == {n for n in contents(Path("out")) if n.endswith(".png")} and len(told) == 12
    assert told["generated/koala/00001.png"]["object_probability"] == "0.75"


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # webdataset closes none
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_the_shards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import webdataset as wds

    monkeypatch.setattr(webdataset, "MOST_PICTURES", 4)
    assert export(monkeypatch, "webdataset", "out") == 0
    names = {"generated-000000.tar", "si-000000.tar", "si-000001.tar", "val-000000.tar"}
    assert set(contents(Path("out"))) == names | {"spurbench-files.json"}
    rows = stored(folder)
    urls = sorted(str(path) for path in Path("out").glob("*.tar"))
    samples = list(wds.WebDataset(urls, shardshuffle=False, empty_check=False))
    gc.collect()
    assert len(samples) == 12
    for sample in samples:
        told = json.loads(sample["json"])
        own = rows[told["slug"], told["split"], told["index"]]
        assert sample["__key__"] == f"{told['slug']}-{told['split']}-{own.index:05d}"
        assert sample["png"] == own.data and int(sample["cls"]) == own.label == told["label"]
        assert [p["model"] for p in told["predictions"]] == [p.model for p in own.predictions]
        for name in ("prompt", "seed", "degenerate", "nearest_distance"):
            value = getattr(own, name)
            same = told[name] == value
            assert same or math.isclose(told[name], value, rel_tol=1e-6)
    assert [len(members_of(Path(f"out/si-00000{i}.tar"))) for i in (0, 1)] == [12, 6]


def test_datasets_reads_the_shards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import load_dataset

    assert export(monkeypatch, "webdataset", "out") == 0
    found = load_dataset("webdataset", data_files={"generated": "out/generated-*.tar"})["generated"]
    assert found.num_rows == 4 and sorted(found["cls"]) == [5, 5, 5, 5]
    assert found[1]["json"]["seed"] == 41 and found[1]["png"].size == (9, 6)


def test_shards_are_of_nobody_and_no_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webdataset, "SHARD_BYTES", 1)  # a picture each
    assert export(monkeypatch, "webdataset", "one") == 0
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: 2e9)
        assert export(patch, "webdataset", "two") == 0
    assert contents(Path("one")) == contents(Path("two"))
    assert len(list(Path("one").glob("*.tar"))) == 12
    for member in members_of(Path("one/si-000000.tar")):
        assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")
        assert member.isfile() and member.mode == 0o644


def test_the_table_has_every_column_but_the_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export(monkeypatch, "csv", "out.csv") == 0
    raw = Path("out.csv").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n") == 13 and not raw.startswith(b"\xef\xbb\xbf")
    rows = records(Path("out.csv"))
    panel = ["predicted.made/one", "probability.made/one", "predicted.made/two"]
    assert list(rows[0])[-4:-1] == panel and list(rows[0])[:4] == [
        "slug",
        "split",
        "label",
        "class_name",
    ]
    own = {(r["slug"], r["split"], int(r["index"])): r for r in rows}
    made = own["koala", "generated", 3]
    assert made["prompt"] == "a photo of a sks leaf" and made["seed"] == "43"
    assert made["consistently_spurious"] == "true" and made["degenerate"] == "false"
    assert made["object_probability"] == "" and made["nearest_distance"] == "0.2"
    assert made["predicted.made/two"] == "5" and made["probability.made/two"] == "0.55"
    assert own["koala", "si", 2]["predicted.made/one"] == "-1"  # a number is no formula
    assert own["koala", "val", 0]["predicted.made/one"] == ""
    for key, each in stored(folder).items():
        assert own[key]["sha256"] == each.sha256
        for p in each.predictions:
            assert np.float32(own[key][f"probability.{p.model}"]) == np.float32(p.probability)


def test_no_text_is_a_formula_and_each_can_be_had_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\tx",
        "\rx",
        "'x",
        "''",
        'a "b", c\r\nd',
        " =1",
        "",
        "plain",
    ]
    rows = [row(i, "si", i, origin=text, prompt=text) for i, text in enumerate(texts)]
    install(tmp_path / "set", "koala", {"si": rows})
    monkeypatch.chdir(tmp_path)
    assert export(monkeypatch, "csv", "out.csv") == 0
    found = [each["origin"] for each in records(Path("out.csv"))]
    assert not [text for text in found if text.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [text.removeprefix("'") for text in found] == texts
    assert found[8:] == texts[8:]


@pytest.mark.parametrize("to", FORMATS)
def test_attacks_name_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put_hostile(tmp_path / "set")
    shutil.rmtree(tmp_path / "set-aside")
    monkeypatch.chdir(tmp_path)
    assert export(monkeypatch, to, "out") == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "set"]
    assert capsys.readouterr().out.startswith(f"out: {len(HOSTILE)} pictures as {to}, ")
    names = [p.name for p in (tmp_path / "out").rglob("*")]
    for tar in (tmp_path / "out").glob("*.tar"):
        names += [member.name for member in members_of(tar)]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.") for name in names)


def test_what_others_cannot_read_becomes_png(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import ImageFolder

    kinds = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]
    rows = [row(0, "si", i, data=encoded(picture(i, (20, 10)), k)) for i, k in enumerate(kinds)]
    install(tmp_path / "set", "koala", {"si": rows})
    monkeypatch.chdir(tmp_path)
    assert export(monkeypatch, "imagefolder", "out") == 0
    names = [Path(path).name for path, _ in ImageFolder("out/si").samples]
    assert names == ["00000.png", "00001.jpg", "00002.webp", "00003.png", "00004.bmp", "00005.tif"]
    for name, own in zip(names, rows, strict=True):
        data = Path("out/si/koala", name).read_bytes()
        if own.index == 3:
            first = Image.open(io.BytesIO(own.data)).convert("RGB")
            assert Image.open(io.BytesIO(data)).tobytes() == first.tobytes()
        else:
            assert data == own.data


def test_classes_and_splits_choose(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(monkeypatch, "imagefolder", "a", "--classes", "freight car", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"out": "a", "format": "imagefolder", "pictures": 3}
    assert export(monkeypatch, "imagefolder", "b", "--splits", "val,generated") == 0
    assert sorted(p.name for p in Path("b").iterdir() if p.is_dir()) == ["generated", "val"]
    assert export(monkeypatch, "csv", "c", "--classes", "koala", "--splits", "si") == 0
    assert len(records(Path("c"))) == 3


@pytest.mark.parametrize("to", FORMATS)
def test_what_is_ours_is_replaced_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    assert export(monkeypatch, to, "once", "--splits", "val") == 0
    assert export(monkeypatch, to, "again") == 0
    assert export(monkeypatch, to, "again", "--splits", "val") == 0
    if to == "csv":
        assert Path("once").read_bytes() == Path("again").read_bytes()
    else:
        assert contents(Path("once")) == contents(Path("again"))
    assert sorted(p.name for p in folder.parent.iterdir()) == ["again", "once", "set"]


@pytest.mark.parametrize(
    ("to", "out", "words", "said_"),
    [
        ("zip", "o", (), "unknown format 'zip'; known: csv, imagefolder, webdataset"),
        ("webdatset", "o", (), "did you mean 'webdataset'?"),
        ("csv", "o", ("--classes", "kaola"), "unknown class of the data set 'kaola'"),
        ("csv", "o", ("--splits", "test"), "unknown split of the data set 'test'"),
        ("csv", "o", ("--splits", ","), "--splits names nothing"),
        ("csv", "mine.csv", (), "mine.csv: is there and is none of ours"),
        ("csv", "mine", (), "mine: is a folder; name a file"),
        ("imagefolder", "mine.csv", (), "mine.csv: is there and is no folder"),
        ("imagefolder", "mine", (), "mine: holds other files and no spurbench-files.json"),
        ("imagefolder", "set", (), "set: holds other files"),
        ("webdataset", "tree", (), "tree: was made by another command"),
        ("webdataset", "nowhere-link", (), "nowhere-link: is a link that leads nowhere"),
        ("csv", "nowhere-link", (), "nowhere-link: is a link that leads nowhere"),
    ],
)
def test_what_is_refused_changes_nothing(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    to: str,
    out: str,
    words: tuple[str, ...],
    said_: str,
) -> None:
    Path("mine.csv").write_text("slug,mine\n")
    Path("mine").mkdir()
    Path("mine/a").write_text("a")
    Path("nowhere-link").symlink_to("nowhere")
    assert export(monkeypatch, "imagefolder", "tree") == 0
    capsys.readouterr()
    before = contents(folder.parent)
    assert call(monkeypatch, "export", "set", "--to", to, "--out", out, *words) == 2
    shown = capsys.readouterr()
    assert said_ in shown.err and shown.err.count("\n") == 1 and not shown.out
    assert contents(folder.parent) == before
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("to", FORMATS)
def test_a_disk_that_fills_up_leaves_what_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for before in (False, True):
        if before:
            assert export(monkeypatch, to, "out", "--splits", "val") == 0
        was = contents(folder.parent)
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            assert export(patch, to, "out") == 2
        assert "the disk is full" in capsys.readouterr().err
        assert contents(folder.parent) == was


@pytest.mark.parametrize("to", ["imagefolder", "webdataset"])
def test_a_picture_that_is_altered_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    import pyarrow.parquet as pq

    def swap(rows: list[dict[str, Any]]) -> None:
        rows[1]["image"] = rows[0]["image"]

    file = folder / "data/koala/val-00000-of-00001.parquet"
    assert pq.read_table(file).num_rows == 2
    spoiled(file, swap)
    assert export(monkeypatch, to, "out") == 2
    assert "the bytes of picture 1 are not those of its sha256" in capsys.readouterr().err
    assert sorted(p.name for p in folder.parent.iterdir()) == ["set"]


def test_another_export_there_is_not_disturbed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from spurbench.locks import held

    with held(folder.parent / ".out.lock"):
        assert export(monkeypatch, "imagefolder", "out") == 2
    assert "another spurbench is writing there" in capsys.readouterr().err


def test_what_a_killed_call_left_is_cleared_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it filled the folder, and between its two renames."""
    assert export(monkeypatch, "imagefolder", "out") == 0
    whole = contents(Path("out"))
    Path("out").rename(".out.before")
    Path(".out.part/half").mkdir(parents=True)
    assert export(monkeypatch, "imagefolder", "out") == 0
    assert contents(Path("out")) == whole
    assert sorted(p.name for p in folder.parent.iterdir()) == ["out", "set"]


@pytest.mark.parametrize("failing", [1, 2])
def test_what_cannot_be_put_in_place_leaves_what_was(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failing: int,
) -> None:
    """The old folder cannot be moved away (a mount point), or the new one not to its place."""
    assert export(monkeypatch, "imagefolder", "out", "--splits", "val") == 0
    was = contents(folder.parent)
    capsys.readouterr()
    rename, calls = Path.rename, []

    def fail(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == failing:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(self))
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        assert export(patch, "imagefolder", "out") == 2
    assert "busy" in capsys.readouterr().err
    assert contents(folder.parent) == was


def test_nothing_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class whose splits are empty: no folders that ImageFolder would stumble over."""
    put_koala(tmp_path / "set")
    emptied(tmp_path / "set", "koala", "generated", "si", "val")
    monkeypatch.chdir(tmp_path)
    for to in FORMATS:
        assert export(monkeypatch, to, f"out-{to}") == 0
        assert f": 0 pictures as {to}" in capsys.readouterr().out
    assert records(Path("out-csv")) == []
    assert set(contents(Path("out-imagefolder"))) == {"columns.csv", "spurbench-files.json"}
    assert set(contents(Path("out-webdataset"))) == {"spurbench-files.json"}
    assert call(monkeypatch, "show", "set") == 2
    assert "holds no pictures to show" in capsys.readouterr().err


def test_a_member_that_is_there_twice_keeps_both_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = said(("made/one", 5, 0.5), ("made/one", 3, 0.25))
    install(tmp_path / "set", "koala", {"si": [row(0, "si", 0, predictions=twice)]})
    monkeypatch.chdir(tmp_path)
    assert export(monkeypatch, "csv", "out.csv") == 0
    (only,) = records(Path("out.csv"))
    assert only["predicted.made/one"] == "5" and only["predicted.made/one#2"] == "3"


def test_our_tables_are_known_by_their_start() -> None:
    assert table.is_ours(table.START + b",predicted.x\r\n")
    assert not table.is_ours(b"slug,split\r\n")
