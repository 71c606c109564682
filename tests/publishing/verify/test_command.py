"""`spurbench verify` as it is called: exit codes, the text, one JSON object, a hub id."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from spurbench.dataset.manifest import read_manifest
from tests.core.dataset.made import edited
from tests.evaluators.test_cli import call
from tests.publishing.made import sound
from tests.publishing.verify.damage import DAMAGE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sound(tmp_path / "spurbench")


def said(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # -P: beside a data set called spurbench, which an editable install would not come before.
    command = [sys.executable, "-P", "-m", "spurbench", "verify", folder.name, *words]
    return subprocess.run(command, cwd=folder.parent, capture_output=True, text=True)


def test_a_sound_data_set_is_one_line(folder: Path) -> None:
    done = said(folder)
    version = read_manifest(folder).version
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"spurbench, version {version}: 2 classes, 21 pictures: sound\n"


def test_faults_are_shown_by_kind_with_their_places_and_the_way_out(folder: Path) -> None:
    DAMAGE["a verdict"][0](folder)
    DAMAGE["a script"][0](folder)
    done = said(folder)
    version = read_manifest(folder).version
    assert done.returncode == 1
    assert done.stdout == (
        "fault: a Python file, for which `load_dataset` fails (file-script)\n"
        "  spurbench.py: datasets takes it for a loading script\n"
        "  way out: remove it, or move it out of the data set\n"
        "\n"
        "fault: consistently_spurious is not what the predictions say\n"
        "      (consistently-spurious)\n"
        "  koala/generated, picture 1, data/koala/generated-00000-of-00001.parquet:\n"
        "      False, not True\n"
        "  way out: build the class again, or fetch the data set again\n"
        "\n"
        f"spurbench, version {version}: 2 classes, 21 pictures: 2 faults, 0 notes\n"
    )


def test_of_many_places_ten_are_shown_and_names_are_inert(folder: Path) -> None:
    for number in range(12):
        (folder / f"{number:02}\x1b[31m<b>|`.py").touch()
    lines = said(folder).stdout.splitlines()
    assert sum("loading script" in line for line in lines) == 10
    assert "  and 2 more; --json lists all" in lines
    assert not any("\x1b" in line for line in lines) and "\\x1b[31m<b>|`.py" in lines[1]
    assert max(map(len, lines)) < 80


def test_one_json_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGE["a verdict"][0](folder)
    assert call(monkeypatch, "verify", folder, "--json") == 1
    shown = json.loads(capsys.readouterr().out)
    (finding,) = shown.pop("findings")
    assert shown == {
        "where": str(folder),
        "version": read_manifest(folder).version,
        "commit": None,
        "classes": 2,
        "pictures": 21,
        "sound": False,
        "faults": 1,
        "notes": 0,
    }
    assert finding == {
        "severity": "fault",
        "kind": "consistently-spurious",
        "title": "consistently_spurious is not what the predictions say",
        "what": "False, not True",
        "class": "koala",
        "split": "generated",
        "file": "data/koala/generated-00000-of-00001.parquet",
        "index": 1,
        "way_out": "build the class again, or fetch the data set again",
    }


def test_what_is_no_data_set_is_bad_usage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, said in (
        (folder / "none", "no such data set folder"),
        (folder / "data", "not a spurbench data set (no manifest.json)"),
    ):
        assert call(monkeypatch, "verify", place) == 2
        assert said in capsys.readouterr().err
    edited(folder, lambda data: data.update(schema_version=3))
    assert call(monkeypatch, "verify", folder) == 2
    assert "made by a newer spurbench" in capsys.readouterr().err


def test_a_data_set_on_the_hub_is_fetched_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = "1" * 40
    folder = folder.rename(folder.with_name(commit))
    asked: list[tuple[str, dict[str, Any]]] = []

    def download(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert call(monkeypatch, "verify", "org/spurbench@v1", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["where"], shown["commit"]) == ("org/spurbench@v1", commit)
    ((name, options),) = asked
    assert name == "org/spurbench" and options["revision"] == "v1"
    assert options["allow_patterns"] is None


def test_a_link_to_a_folder_and_a_relative_path_are_followed(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder.name)
    assert said(link).returncode == 0
