"""Classes of a published data set in a folder: whole, checked, and nothing of one's own is lost."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from huggingface_hub import constants

from spurbench.dataset.read import open_data_set
from spurbench.files import copy_file
from spurbench_publishing.hub import install
from tests.core.dataset.made import edited, put

from .conftest import Call
from .repository import Blob
from .sets import NAME, first, on_disk, on_hub, second
from .state import Hub, HungUp
from .test_publish import PUBLISH, failed

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def published(hub: Hub, here: Path, call: Call, capsys: Captured) -> Path:
    """Versions 1.0.0 and 2.0.0 are on the hub; the folder that they came from holds the second."""
    folder = first(here / "made")
    words = ("publish", "made", *PUBLISH[2:])
    assert call(*words) == 0 and call("publish", second(folder), *PUBLISH[2:]) == 0
    capsys.readouterr()
    hub.requests.clear()
    hub.served.clear()
    return folder


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_whole_version_is_pulled_as_it_was_published(
    published: Path, here: Path, hub: Hub, call: Call, capsys: Captured
) -> None:
    assert call("pull", NAME) == 0
    assert on_disk(here / "spurbench") == on_disk(published)
    lines = capsys.readouterr().out.splitlines()
    version = open_data_set(published).manifest.version
    assert lines[0] == f"{NAME} at {hub.repositories[NAME].main.oid}: gondola, koala"
    assert lines[1:] == [
        f"data set spurbench, version {version}",
        'load_dataset("spurbench", "gondola")',
    ]
    assert hidden(here) == []
    hub.requests.clear()
    assert call(*PUBLISH) == 0, "what was pulled is what is there"
    assert not any(what.startswith(("POST", "PUT")) for what in hub.requests)


def test_some_classes_come_with_a_manifest_and_card_of_their_own(
    published: Path, here: Path, hub: Hub, call: Call
) -> None:
    from datasets import get_dataset_config_names, load_dataset

    assert call("pull", NAME, "--version", "1.0.0", "--classes", "koala") == 0
    folder = here / "spurbench"
    old = on_hub(hub.repositories[NAME], "1.0.0")
    found = on_disk(folder)
    assert list(open_data_set(folder).manifest.classes) == ["koala"]
    assert {p for p in found if p in old and found[p] == old[p]} == {
        *(p for p in old if p.startswith("data/koala/")),
        "contact/koala.png",
    }
    assert set(found) == {
        *(p for p in old if "koala" in p),
        *("README.md", "croissant.json", "manifest.json"),
    }
    assert not any("hummingbird" in path for path in hub.served)
    assert get_dataset_config_names(str(folder)) == ["default", "koala"]
    rows = load_dataset(str(folder), "koala", split="generated")
    assert rows["origin"][:] == ["from 3", "from 4", "from 5"]
    assert call("pull", f"{NAME}@2.0.0", "--classes", "gondola") == 0
    assert list(open_data_set(folder).manifest.classes) == ["gondola", "koala"]


def test_another_version_takes_the_place_of_what_was_pulled(
    published: Path, here: Path, hub: Hub, call: Call, capsys: Captured
) -> None:
    folder = here / "spurbench"
    assert call("pull", NAME, "--version", "1.0.0") == 0
    (folder / "notes.txt").write_text("mine")
    put(folder, "flagpole", 4, {"si": ("si", [[31]])})  # one's own
    folder.chmod(0o750)
    capsys.readouterr()
    assert call("pull", NAME, "--version", "2.0.0") == 0
    said = capsys.readouterr().out
    assert "not in that version, and removed: hummingbird" in said
    assert "as they were: flagpole" in said
    found = on_disk(folder)
    assert found["notes.txt"] == b"mine" and folder.stat().st_mode & 0o777 == 0o750
    wanted = on_disk(published)
    assert {p: d for p, d in found.items() if p.startswith(("data/g", "data/k", "contact"))} == {
        p: d for p, d in wanted.items() if p.startswith(("data", "contact"))
    }
    assert list(open_data_set(folder).manifest.classes) == ["flagpole", "gondola", "koala"]
    hub.served.clear()
    assert call("pull", NAME, "--version", "2.0.0") == 0 and hub.served == {}, "it is all there"
    assert hidden(here) == []


def test_a_class_of_ones_own_is_not_replaced(
    published: Path, here: Path, call: Call, capsys: Captured
) -> None:
    put(here / "spurbench", "koala", 5, {"si": ("si", [[99]])})
    before = on_disk(here / "spurbench")
    said = failed(call, capsys, "pull", NAME)
    assert said == (
        f"spurbench: its class koala was not pulled from {NAME} and would be lost; name another folder "
        "with --out, or move it away"
    )
    assert call("pull", NAME, "--classes", "gondola") == 0
    after = on_disk(here / "spurbench")
    assert {p: d for p, d in after.items() if p in before and p.startswith("data")} == {
        p: d for p, d in before.items() if p.startswith("data")
    }
    assert call("pull", NAME, "--out", "other") == 0
    put(here / "other", "koala", 5, {"si": ("si", [[98]])})  # built over what was pulled
    assert "its class koala was not pulled" in failed(call, capsys, "pull", NAME, "--out", "other")
    (here / "other" / install.RECORD).write_text("[")
    assert "its class koala was not pulled" in failed(call, capsys, "pull", NAME, "--out", "other")


def test_a_folder_that_is_not_ours_is_refused(
    published: Path, here: Path, hub: Hub, call: Call, capsys: Captured
) -> None:
    (here / "package").mkdir()
    (here / "package" / "__init__.py").touch()
    (here / "papers").mkdir()
    (here / "papers" / "a.pdf").touch()
    (here / "file").touch()
    for name in ("package", "papers", "file"):
        assert "--out" in failed(call, capsys, "pull", NAME, "--out", name)
    assert hub.requests == []
    put(here / "real", "koala", 105, {"si": ("si", [[1]])}, domain="imagenet")
    said = failed(call, capsys, "pull", NAME, "--classes", "gondola", "--out", "real")
    assert said.startswith("real: holds the domain 'imagenet', not 'micro'; ")


def test_what_cannot_be_had_is_told_in_a_line(
    published: Path,
    here: Path,
    hub: Hub,
    call: Call,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for words, wanted in [
        ((f"{NAME}@9.9.9",), f"{NAME}@9.9.9: the hub has no such version of it; "),
        ((NAME, "--version", "9.9.9"), f"{NAME}: the hub has no such version of it; "),
        (("org/none",), "org/none: no such data set on the hub, or none that this token may see; "),
        (("none",), "'none': is no name of a data set on the hub; give OWNER/NAME[@VERSION]"),
        ((f"{NAME}@1.0.0", "--version", "2.0.0"), "both name a version; use one of them"),
        (
            (NAME, "--classes", "kola"),
            "unknown class of the data set 'kola'; did you mean 'koala' or",
        ),
        ((NAME, "--classes", ","), "--classes names nothing; leave it out for all"),
    ]:
        assert wanted in failed(call, capsys, "pull", *words)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(here / "empty"))
    assert "outgoing traffic has been disabled" in failed(call, capsys, "pull", NAME)
    assert not (here / "spurbench").exists()


def test_what_is_in_the_cache_needs_no_network(
    published: Path, here: Path, hub: Hub, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("pull", NAME, "--classes", "koala") == 0
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert call("pull", NAME, "--classes", "koala", "--out", "again") == 0
    assert hub.requests == [] and on_disk(here / "again") == on_disk(here / "spurbench")
    assert call("pull", NAME, "--out", "whole") == 2, "gondola was never fetched"
    assert not (here / "whole").exists()


@pytest.mark.parametrize("over", [False, True])
def test_a_full_disk_leaves_what_was_there(
    published: Path,
    here: Path,
    call: Call,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    over: bool,
) -> None:
    folder = here / "spurbench"
    if over:
        assert call("pull", NAME, "--version", "1.0.0") == 0
    before = on_disk(here)
    real, copies = copy_file, list[Path]()

    def full(source: Path, target: Path) -> None:
        copies.append(target)
        if len(copies) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        real(source, target)

    monkeypatch.setattr(install, "copy_file", full)
    said = failed(call, capsys, "pull", NAME)
    assert "the disk is full" in said and "then run the same command again" in said
    assert on_disk(here) == before and hidden(here) == [] and folder.exists() == over
    monkeypatch.setattr(install, "copy_file", real)
    assert call("pull", NAME) == 0
    assert on_disk(folder) == on_disk(published)


def test_a_full_disk_under_the_cache_is_told_in_a_line(
    published: Path, here: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/cache/blob")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    said = failed(call, capsys, "pull", NAME)
    assert said.startswith("/cache/blob: no space left on device; make room, then run the same ")


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", range(1, 4))
def test_killed_while_the_folder_changes_places_it_is_the_old_or_the_new_one(
    published: Path, here: Path, call: Call, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Killed before a rename: nothing is cleared up, as after SIGKILL."""
    folder = here / "spurbench"
    assert call("pull", NAME, "--version", "1.0.0") == 0
    (folder / "notes.txt").write_text("mine")
    put(folder, "flagpole", 4, {"si": ("si", [[31]])})  # one's own, and nowhere else
    old = on_disk(folder)
    wanted = {p: d for p, d in on_disk(published).items() if "/" in p}
    wanted |= {p: d for p, d in old.items() if "flagpole" in p}
    renamed, real = [], Path.rename

    def rename(path: Path, target: Path) -> Path:
        renamed.append(path)
        if len(renamed) == at:
            raise Killed
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(Killed):
            call("pull", NAME)
    if folder.exists():
        left = on_disk(folder)
        assert left == old or {p: d for p, d in left.items() if "/" in p} == wanted
    assert call("pull", NAME) == 0
    found = on_disk(folder)
    assert {p: d for p, d in found.items() if "/" in p} == wanted and found["notes.txt"] == b"mine"
    assert list(open_data_set(folder).manifest.classes) == ["flagpole", "gondola", "koala"]
    assert hidden(here) == []


def test_two_at_once_do_not_mix(published: Path, here: Path, call: Call, capsys: Captured) -> None:
    from spurbench.dataset.write import writing

    with writing(here / "spurbench"):
        said = failed(call, capsys, "pull", NAME)
    assert said.startswith("spurbench: another spurbench is writing there; ")


def test_a_link_to_a_folder_is_followed(published: Path, here: Path, call: Call) -> None:
    (here / "disk").mkdir()
    (here / "spurbench").symlink_to(here / "disk" / "set")
    (here / "disk" / "set").mkdir()
    assert call("pull", NAME) == 0
    assert (here / "spurbench").is_symlink()
    assert on_disk(here / "disk" / "set") == on_disk(published)


def replaced(hub: Hub, path: str, data: bytes) -> None:
    repository = hub.repositories[NAME]
    large = repository.main.files[path].large
    files = {**repository.main.files, path: Blob(data, large=large)}
    repository.commit("heads/main", "theirs", files)


def test_what_the_hub_sends_is_not_trusted(
    published: Path, here: Path, hub: Hub, call: Call, capsys: Captured
) -> None:
    path = "data/koala/si-00000-of-00001.parquet"
    good = on_hub(hub.repositories[NAME])
    replaced(hub, path, good["data/gondola/si-00000-of-00001.parquet"])
    said = failed(call, capsys, "pull", NAME)
    assert "differs from what manifest.json records" in said and not (here / "spurbench").exists()
    told = json.loads(good["manifest.json"])
    for name in ("../../evil.parquet", "/etc/passwd", "data\\koala"):
        told["classes"]["koala"]["splits"]["si"]["files"][0]["path"] = name
        replaced(hub, "manifest.json", json.dumps(told).encode())
        assert "names a file outside the data set" in failed(call, capsys, "pull", NAME)
    replaced(hub, path, good[path])
    told["classes"]["koala"]["splits"]["si"]["files"][0]["path"] = "spurbench.py"
    replaced(hub, "manifest.json", json.dumps(told).encode())
    repository = hub.repositories[NAME]
    files = {**repository.main.files, "spurbench.py": Blob(good[path], large=False)}
    repository.commit("heads/main", "theirs", files)
    assert call("pull", NAME) == 0, "it is a file of pictures, whatever it is called"
    assert set(on_disk(here / "spurbench")) == set(on_disk(published))
    assert not any(p.endswith(".py") for p in on_disk(here / "spurbench"))


def test_a_repository_without_a_data_set_is_refused(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    hub.create({"organization": "org", "name": "spurbench"}, "org")
    said = failed(call, capsys, "pull", NAME)
    assert said == f"{NAME}: is on the hub, but has no manifest.json: not a spurbench data set"


def test_a_data_set_of_version_1_is_pulled_too(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = here / "made"
    put(folder, "koala", 5, {"si": ("si", [[1, 2]])})
    put(folder, "gondola", 3, {"si": ("si", [[3]])})

    def older(data: dict[str, object]) -> None:
        data["schema_version"] = 1
        for entry in data["classes"].values():  # type: ignore[attr-defined]
            entry["splits"] = {name: s["files"][0] for name, s in entry["splits"].items()}

    edited(folder, older)
    assert call("publish", "made", *PUBLISH[2:]) == 0
    assert call("pull", NAME, "--classes", "koala") == 0
    data = open_data_set(here / "spurbench")
    assert list(data.manifest.classes) == ["koala"] and data.count() == 2
    capsys.readouterr()
    put(folder, "koala", 5, {"si": ("si", [[1, 2]])})
    assert call("publish", "made", *PUBLISH[2:]) == 0
    assert "2.0.0" in hub.repositories[NAME].tags, "of what was there nothing is known"


def test_one_json_object_says_it_all(
    published: Path, here: Path, hub: Hub, call: Call, capsys: Captured
) -> None:
    assert call("pull", NAME, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "repo_id": NAME,
        "commit": hub.repositories[NAME].main.oid,
        "out": "spurbench",
        "content": open_data_set(published).manifest.version,
        "pulled": ["gondola", "koala"],
        "kept": [],
        "removed": [],
    }


def test_a_network_that_ends_in_the_middle_is_told_in_a_line(
    published: Path, here: Path, hub: Hub, call: Call, capsys: Captured
) -> None:
    def orders(number: int, done: bool, what: str) -> None:
        if what.startswith("GET") and what.endswith(".parquet"):
            raise HungUp

    with hub.told(orders):
        said = failed(call, capsys, "pull", NAME)
    assert "cut off" in said and not (here / "spurbench").exists()
