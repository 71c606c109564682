"""Merging: what is there is not lost, nothing is replaced unasked, and every file comes along."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spurbench.cli import app, mount_commands
from spurbench.dataset import write
from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench_builders.run.shards import merge_data_sets
from tests.builders.run.test_build import digests
from tests.core.dataset.made import edited, png, put, rehashed

ONE = {"si": ("si", [[1, 2], [3]]), "generated_seed1": ("generated", [[4]])}
OTHER = {"si": ("si", [[1, 2], [9]]), "generated_seed1": ("generated", [[4]])}


def test_a_class_of_other_pictures_is_replaced_only_when_told(tmp_path: Path) -> None:
    put(tmp_path / "out", "koala", 5, ONE)
    put(tmp_path / "out", "bee", 2, {"si": ("si", [[5]])})
    put(tmp_path / "new", "koala", 5, OTHER)
    put(tmp_path / "new", "ape", 3, {"si": ("si", [[6]])})
    before = digests(tmp_path / "out")
    with pytest.raises(UserError) as said:
        merge_data_sets([tmp_path / "new"], tmp_path / "out")
    assert str(said.value) == (
        f"{tmp_path / 'out'}: holds koala with other pictures; replace with --replace, or name "
        "another folder with --out"
    )
    assert digests(tmp_path / "out") == before, "the class that could have been added neither"
    merged = merge_data_sets([tmp_path / "new"], tmp_path / "out", replace=True)
    assert list(merged.classes) == ["ape", "bee", "koala"]
    found = [p.data for p in open_data_set(tmp_path / "out").pictures(["koala"], ["si"])]
    assert found == [png(1), png(2), png(9)]


@pytest.mark.parametrize("change", ["label", "feature", "name"])
def test_the_same_pictures_as_another_class_are_another(tmp_path: Path, change: str) -> None:
    put(tmp_path / "out", "koala", 5, ONE)
    other = {"label": (6, "koala", "leaves"), "feature": (5, "koala", "a fence"),
             "name": (5, "koala bear", "leaves")}[change]  # fmt: skip
    put(tmp_path / "new", "koala", other[0], ONE, name=other[1], feature=other[2])
    with pytest.raises(UserError, match="holds koala with other pictures"):
        merge_data_sets([tmp_path / "new"], tmp_path / "out")
    with pytest.raises(UserError, match="class 'koala' differs between"):
        merge_data_sets([tmp_path / "new", tmp_path / "out"], tmp_path / "third")


def test_the_same_pictures_in_other_files_are_the_same(tmp_path: Path) -> None:
    put(tmp_path / "out", "koala", 5, ONE)
    put(tmp_path / "new", "koala", 5, {**ONE, "si": ("si", [[1], [2, 3]])})
    put(tmp_path / "new", "bee", 2, {"si": ("si", [[5]])})
    koala = {k: v for k, v in digests(tmp_path / "out").items() if "koala" in k}
    merge_data_sets([tmp_path / "new"], tmp_path / "out")
    after = digests(tmp_path / "out")
    assert {k: v for k, v in after.items() if "koala" in k} == koala
    assert open_data_set(tmp_path / "out").count() == 5
    merge_data_sets([tmp_path / "new"], tmp_path / "out")
    assert digests(tmp_path / "out") == after


def test_a_file_of_another_name_comes_along(tmp_path: Path) -> None:
    put(tmp_path / "new", "koala", 5, ONE)
    file = tmp_path / "new" / "data" / "koala" / "si-00001-of-00002.parquet"
    moved = tmp_path / "new" / "more" / "rest.parquet"
    moved.parent.mkdir()
    file.rename(moved)

    def rename(
        data: dict[str, dict[str, dict[str, dict[str, dict[str, list[dict[str, str]]]]]]],
    ) -> None:
        data["classes"]["koala"]["splits"]["si"]["files"][1]["path"] = "more/rest.parquet"

    edited(tmp_path / "new", rename)
    expected = open_data_set(tmp_path / "new").manifest.fingerprint()
    merged = merge_data_sets([tmp_path / "new"], tmp_path / "out")
    assert merged.fingerprint() == expected
    assert open_data_set(tmp_path / "out").count() == 4
    paths = [f.path for f in merged.classes["koala"].splits["si"].files]
    assert paths == [f"data/koala/si-0000{i}-of-00002.parquet" for i in (0, 1)]


def test_sources_that_are_not_what_they_say(tmp_path: Path) -> None:
    put(tmp_path / "a", "koala", 5, ONE)
    edited(tmp_path / "a", lambda d: d["classes"]["koala"].update(label=4))
    with pytest.raises(UserError, match="gives koala/generated_seed1 the label 4"):
        merge_data_sets([tmp_path / "a"], tmp_path / "out")
    edited(tmp_path / "a", lambda d: d["classes"]["koala"].update(label=5))
    file = tmp_path / "a" / "data" / "koala" / "si-00000-of-00002.parquet"
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(UserError, match="differs from what manifest.json records"):
        merge_data_sets([tmp_path / "a"], tmp_path / "out")
    rehashed(file)
    with pytest.raises(UserError, match="cannot be read as a split"):
        merge_data_sets([tmp_path / "a"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_writers_at_once_lose_no_class(tmp_path: Path) -> None:
    """Two processes merge a class each into one folder, and threads of this one five more."""
    names = [f"c{i}" for i in range(5)]
    for i, name in enumerate(names):
        put(tmp_path / name, name, i, {"si": ("si", [[i]])})
    code = (
        "import sys; from pathlib import Path\n"
        "from spurbench_builders.run.shards import merge_data_sets\n"
        "merge_data_sets([Path(sys.argv[1])], Path(sys.argv[2]))\n"
    )
    out = tmp_path / "out"
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / name), str(out)])
        for name in names[:2]
    ]
    mine = [
        threading.Thread(target=merge_data_sets, args=([tmp_path / name], out))
        for name in names[2:]
    ]
    for thread in mine:
        thread.start()
    for thread in mine:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    assert list(open_data_set(out).manifest.classes) == names
    assert not list(tmp_path.glob(".*"))


def test_a_link_as_the_place(tmp_path: Path) -> None:
    put(tmp_path / "a", "koala", 5, ONE)
    put(tmp_path / "b", "bee", 2, {"si": ("si", [[5]])})
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    for name in ("a", "b"):
        merge_data_sets([tmp_path / name], tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert list(read_manifest(tmp_path / "real").classes) == ["bee", "koala"]


def test_the_commands_option(tmp_path: Path) -> None:
    mount_commands()
    put(tmp_path / "out", "koala", 5, ONE)
    put(tmp_path / "new", "koala", 5, OTHER)
    words = ["merge", str(tmp_path / "new"), "--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code != 0 and isinstance(refused.exception, UserError)
    done = CliRunner().invoke(app, [*words, "--replace"])
    assert done.exit_code == 0, done.output
    version = read_manifest(tmp_path / "new").version
    assert f"version {version}: koala" in done.output
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["schema_version"] == 2


def test_a_new_folder_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that was there keeps what it had."""
    put(tmp_path / "a", "ape", 3, {"si": ("si", [[6]])})
    put(tmp_path / "a", "koala", 5, ONE)
    put(tmp_path / "there", "bee", 2, {"si": ("si", [[5]])})
    before = digests(tmp_path / "there")
    copy, written = write.put_class, []

    def full(folder: Path, name: str, domain: str, slug: str, *rest: Any) -> None:
        if slug == "koala":
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(slug)
        copy(folder, name, domain, slug, *rest)

    monkeypatch.setattr("spurbench_builders.run.shards.put_class", full)
    for out in ("out", "there"):
        with pytest.raises(UserError, match=f"cannot write .*{out}: the disk is full"):
            merge_data_sets([tmp_path / "a"], tmp_path / out)
    assert written == ["ape", "ape"]
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*"))
    after = digests(tmp_path / "there")
    assert {k: v for k, v in after.items() if "bee" in k} == {
        k: v for k, v in before.items() if "bee" in k
    }
    assert list(open_data_set(tmp_path / "there").manifest.classes) == ["ape", "bee"]


@pytest.mark.parametrize("place", ["a/manifest.json/..", "loop", "nowhere", "/proc/self/mem"])
def test_places_where_nothing_can_be(tmp_path: Path, place: str) -> None:
    """Neither waited for nor taken for another place."""
    put(tmp_path / "a", "koala", 5, ONE)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("gone")
    before = digests(tmp_path)
    with pytest.raises(UserError, match="leads nowhere|too many levels|is a file"):
        merge_data_sets([tmp_path / "a"], tmp_path / place)
    assert digests(tmp_path) == before and not (tmp_path / "gone").exists()


def test_a_killed_first_class_leaves_a_data_set_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the same command goes on: what holds files and no manifest is refused."""
    put(tmp_path / "a", "koala", 5, ONE)

    def killed(source: Path, target: Path) -> None:
        raise SystemExit(9)

    monkeypatch.setattr(write, "copy_file", killed)
    entry = read_manifest(tmp_path / "a").classes["koala"]
    files = {split: [tmp_path / "a" / f.path for f in s.files] for split, s in entry.splits.items()}
    with pytest.raises(SystemExit):
        write.put_class(tmp_path / "out", "made", "micro", "koala", entry, files)
    monkeypatch.undo()
    assert read_manifest(tmp_path / "out").classes == {}
    write.put_class(tmp_path / "out", "made", "micro", "koala", entry, files)
    assert open_data_set(tmp_path / "out").count() == 4
