"""A folder becomes a version on the hub: what is sent, tagged, refused and asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.read import open_data_set
from spurbench_publishing.hub import publish as module
from tests.core.dataset.made import edited, put

from .conftest import Call
from .repository import Blob
from .sets import NAME, first, on_disk, on_hub, second
from .state import READER, STRANGER, WRITER, Hub

Captured = pytest.CaptureFixture[str]
PUBLISH = ("publish", "spurbench", "--repo-id", NAME, "--yes")


def writes(hub: Hub) -> list[str]:
    return [what for what in hub.requests if what.startswith(("POST", "PUT"))]


def failed(call: Call, capsys: Captured, *words: object) -> str:
    """The one line of a command that ends with 2."""
    assert call(*words) == 2
    said = capsys.readouterr().err
    assert said.startswith("spurbench: ") and said.count("\n") == 1 and "Traceback" not in said
    assert WRITER not in said
    return said.removeprefix("spurbench: ").strip()


def test_a_folder_becomes_a_tagged_version_with_its_very_files(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = first(here / "spurbench")
    (folder / "notes.txt").write_text("mine")
    (folder / ".env").write_text("secret")
    assert call(*PUBLISH) == 0
    repository = hub.repositories[NAME]
    wanted = {path: data for path, data in on_disk(folder).items() if path != "notes.txt"}
    assert on_hub(repository) == wanted and len(wanted) == 10
    assert repository.tags == {"1.0.0": repository.main.oid} and not repository.private
    version = read_manifest(folder).version
    assert repository.main.title == f"spurbench 1.0.0 (content {version})"
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == (
        f"spurbench: content {version}, 2 classes, for version 1.0.0 of {NAME} (a new public repository)"
    )
    assert lines[1].startswith("new          10 files: README.md, contact/hummingbird.png, ")
    assert "left here, as not of the data set: notes.txt" in lines
    assert lines[-2] == f"{NAME} version 1.0.0 is commit {repository.main.oid}"
    assert lines[-1] == f'load_dataset("{NAME}", "hummingbird", revision="1.0.0")'
    assert WRITER not in said.out + said.err and ".env" not in said.out


def test_the_next_version_sends_what_changed_and_removes_what_is_gone(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = first(here / "spurbench")
    call(*PUBLISH)
    repository = hub.repositories[NAME]
    before = on_hub(repository)
    theirs = {"notes/why.md": Blob(b"by others", large=False)}
    repository.commit("heads/main", "theirs", {**repository.main.files, **theirs})
    second(folder)
    capsys.readouterr()
    hub.requests.clear()
    assert call(*PUBLISH) == 0
    sent = [what for what in hub.requests if what.startswith("PUT")]
    assert len(sent) == 2  # the koala's references and the gondola's
    assert on_hub(repository) == on_disk(folder) | {"notes/why.md": b"by others"}
    assert ".gitattributes" in repository.main.files
    assert on_hub(repository, "1.0.0") == before
    assert set(repository.tags) == {"1.0.0", "2.0.0"}, "pictures changed: the first number grows"
    out = capsys.readouterr().out
    assert (
        "removed       4 files: contact/hummingbird.png, contact/koala.png, data/hummingbird/"
        in out
    )
    assert "unchanged     2 files: data/koala/generated-00000-of-00002" in out


def test_the_same_again_is_no_work(hub: Hub, here: Path, call: Call, capsys: Captured) -> None:
    first(here / "spurbench")
    call(*PUBLISH, "--version", "1.1.0")
    for words in (PUBLISH, (*PUBLISH, "--version", "1.1.0")):
        hub.requests.clear()
        capsys.readouterr()
        assert call(*words) == 0
        assert writes(hub) == []
        out = capsys.readouterr().out
        assert f"{NAME} has version 1.1.0 already, with these very files" in out
        assert out.splitlines()[-1].endswith('revision="1.1.0")')


def test_a_version_that_exists_stays_as_it_is(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = first(here / "spurbench")
    call(*PUBLISH, "--version", "1.1.0")
    before = dict(hub.repositories[NAME].refs)
    second(folder)
    capsys.readouterr()
    hub.requests.clear()
    said = failed(call, capsys, *PUBLISH, "--version", "1.1.0")
    assert said.startswith(f"{NAME}: version 1.1.0 exists with other content (9 files differ, ")
    assert said.endswith("give another with --version, or leave it out for the next one")
    assert hub.repositories[NAME].refs == before and writes(hub) == []


@pytest.mark.parametrize("version", ["a b", "", "../x", "1..2", "x.lock", "-v", "deadbeef", "é"])
def test_what_no_tag_may_be_called(
    hub: Hub, here: Path, call: Call, capsys: Captured, version: str
) -> None:
    first(here / "spurbench")
    said = failed(call, capsys, *PUBLISH, f"--version={version}")
    assert said.startswith(f"--version {version!r}: ") and hub.requests == []


def test_a_branch_is_no_version(hub: Hub, here: Path, call: Call, capsys: Captured) -> None:
    first(here / "spurbench")
    call(*PUBLISH)
    capsys.readouterr()
    said = failed(call, capsys, *PUBLISH, "--version", "main")
    assert said == f"--version main: is a branch of {NAME}; give another"


@pytest.mark.parametrize("name", ["spurbench", "a/b/c", "a/b@v1", "../x", "/abs"])
def test_what_is_no_repository(
    hub: Hub, here: Path, call: Call, capsys: Captured, name: str
) -> None:
    first(here / "spurbench")
    said = failed(call, capsys, "publish", "spurbench", "--repo-id", name)
    assert said == f"--repo-id {name!r}: is no name of a data set on the hub; give OWNER/NAME"
    assert hub.requests == []


def test_a_dry_run_changes_nothing(hub: Hub, here: Path, call: Call, capsys: Captured) -> None:
    folder = first(here / "spurbench")
    assert call("publish", folder, "--repo-id", NAME, "--dry-run") == 0
    out = capsys.readouterr().out
    assert out.endswith("nothing was uploaded: a dry run\n") and "new          10 files" in out
    assert hub.repositories == {} and writes(hub) == []


def test_a_first_public_upload_is_asked_for(
    hub: Hub, here: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(here / "spurbench")
    words = PUBLISH[:-1]
    said = failed(call, capsys, *words)
    assert said.endswith("there is nobody to ask; say --yes, or --private to keep it from others")
    assert hub.repositories == {}
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    asked = []

    def confirm(text: str, **options: object) -> bool:
        import typer

        asked.append(text)
        if len(asked) == 1:
            raise typer.Abort
        return True

    monkeypatch.setattr("typer.confirm", confirm)
    assert call(*words) == 2 and hub.repositories == {}
    assert call(*words) == 0 and set(hub.repositories) == {NAME}
    put(here / "spurbench", "gondola", 3, {"si": ("si", [[21]])})
    assert call(*words) == 0
    assert asked == [f"Everybody will be able to see {NAME}. Upload?"] * 2
    assert set(hub.repositories[NAME].tags) == {"1.0.0", "1.1.0"}, "more classes: the second number"


def test_a_private_one_is_not_asked_for_and_stays_private(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    first(here / "spurbench")
    assert call(*PUBLISH[:-1], "--private") == 0
    assert hub.repositories[NAME].private
    put(here / "spurbench", "gondola", 3, {"si": ("si", [[21]])})
    assert call(*PUBLISH[:-1]) == 0
    assert f"{NAME} is private and stays so" in capsys.readouterr().out
    hub.repositories[NAME].private = False
    said = failed(call, capsys, *PUBLISH, "--private")
    assert said.startswith(f"{NAME}: is public, and --private would not hide it; ")


def test_a_repository_of_something_else_is_refused(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = first(here / "spurbench")
    hub.create({"organization": "org", "name": "spurbench"}, "org")
    repository = hub.repositories[NAME]
    base = dict(repository.main.files)
    good = json.loads((folder / "manifest.json").read_text())
    held: list[tuple[dict[str, bytes], str]] = [
        ({"train.csv": b"a,b"}, f"{NAME}: holds other files (train.csv) and no manifest.json: "),
        ({"manifest.json": b"[]"}, f"{NAME}: its manifest.json is not a spurbench data set's "),
        ({"manifest.json": b"{"}, "manifest.json: not a spurbench manifest"),
        ({"manifest.json": json.dumps(good | {"domain": "imagenet"}).encode()}, "'imagenet', and "),
        ({"manifest.json": json.dumps(good | {"schema_version": 9}).encode()}, "made by a newer "),
        ({"manifest.json": json.dumps({"schema_version": 2}).encode()}, "not a spurbench manifest"),
    ]
    for files, wanted in held:
        blobs = {path: Blob(data, large=False) for path, data in files.items()}
        oid = repository.commit("heads/main", "theirs", base | blobs).oid
        said = failed(call, capsys, *PUBLISH)
        assert wanted in said and str(constants.HF_HUB_CACHE) not in said
        assert repository.main.oid == oid and repository.tags == {}
    repository.commit("heads/main", "empty", base | {"README.md": Blob(b"# soon", large=False)})
    assert call(*PUBLISH) == 0 and on_hub(repository) == on_disk(folder)


def test_pictures_that_the_card_would_find_do_not_stay(hub: Hub, here: Path, call: Call) -> None:
    folder = first(here / "spurbench")
    call(*PUBLISH)
    repository = hub.repositories[NAME]
    stray = {"data/koala/si-00007-of-00008.parquet": Blob(b"stray", large=True)}
    repository.commit("heads/main", "theirs", {**repository.main.files, **stray})
    assert call(*PUBLISH) == 0
    assert on_hub(repository) == on_disk(folder) == on_hub(repository, "1.0.1")


def test_who_has_no_rights_is_told_in_a_line(
    hub: Hub, here: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = first(here / "spurbench")
    login = "log in with `hf auth login`, or set HF_TOKEN"

    def told(token: str | None) -> str:
        if token is None:
            monkeypatch.delenv("HF_TOKEN", raising=False)
        else:
            monkeypatch.setenv("HF_TOKEN", token)
        said = failed(call, capsys, *PUBLISH)
        assert token is None or token not in said
        return said

    unknown = f"{NAME}: the hub wants to know who asks; {login}"
    assert told(None) == unknown
    assert told("hf_wrong") == f"{NAME}: the hub does not accept the token; {login}"
    refused = (
        f"{NAME}: the token has no right to do that; use one that may write there, or propose "
    )
    assert told(READER).startswith(refused) and hub.repositories == {}
    monkeypatch.setenv("HF_TOKEN", WRITER)
    assert call(*PUBLISH) == 0
    before = dict(hub.repositories[NAME].refs)
    second(folder)
    assert told(None) == unknown and told(READER).startswith(refused)
    assert hub.repositories[NAME].refs == before
    hub.repositories[NAME].private = True
    assert told(STRANGER).startswith(refused), "a private one might not be there"


def test_a_repository_that_somebody_makes_meanwhile_is_not_taken(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    first(here / "spurbench")

    def meanwhile(number: int, done: bool, what: str) -> None:
        if what.endswith("repos/create") and not done:
            hub.create({"organization": "org", "name": "spurbench"}, "org")

    with hub.told(meanwhile):
        said = failed(call, capsys, *PUBLISH)
    assert said.startswith(f"{NAME}: exists already, out of this token's sight or made just now; ")
    assert hub.repositories[NAME].tags == {}


def test_a_pull_request_is_opened_once_and_changes_no_version(
    hub: Hub, here: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = first(here / "spurbench")
    said = failed(call, capsys, *PUBLISH, "--create-pr")
    assert said.endswith("so nothing to propose to; leave --create-pr out to make it")
    call(*PUBLISH)
    repository = hub.repositories[NAME]
    before = dict(repository.refs)
    second(folder)
    monkeypatch.setenv("HF_TOKEN", READER)  # who may not write may propose
    for verb in ("opened", "is open already"):
        capsys.readouterr()
        assert call(*PUBLISH, "--create-pr") == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[-3].startswith(f"pull request {verb}: {hub.url}/datasets/{NAME}/discussions/1")
        assert lines[-1] == f'load_dataset("{NAME}", "gondola", revision="refs/pr/1")'
        assert repository.refs == before | {"pr/1": repository.refs["pr/1"]}
        assert on_hub(repository, "refs/pr/1") == on_disk(folder)
    repository.refs["heads/main"] = repository.refs["pr/1"]  # it is merged
    assert call(*PUBLISH, "--create-pr") == 0
    assert "nothing to propose" in capsys.readouterr().out
    monkeypatch.setenv("HF_TOKEN", WRITER)
    assert call(*PUBLISH) == 0 and repository.tags["2.0.0"] == repository.main.oid


def test_what_somebody_commits_meanwhile_is_not_overwritten(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = first(here / "spurbench")
    call(*PUBLISH)
    second(folder)
    repository = hub.repositories[NAME]

    def meanwhile(number: int, done: bool, what: str) -> None:
        if "preupload" in what and not done and len(repository.commits) == 2:
            files = {**repository.main.files, "theirs.md": Blob(b"x", large=False)}
            repository.commit("heads/main", "theirs", files)

    capsys.readouterr()
    with hub.told(meanwhile):
        said = failed(call, capsys, *PUBLISH)
    assert said.startswith(f"{NAME}: somebody changed it meanwhile; ")
    assert "theirs.md" in on_hub(repository) and set(repository.tags) == {"1.0.0"}
    assert call(*PUBLISH) == 0
    assert on_hub(repository, "2.0.0") == on_disk(folder) | {"theirs.md": b"x"}


def test_a_folder_that_is_written_to_meanwhile_is_not_published(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = first(here / "spurbench")
    file = folder / "data" / "koala" / "si-00000-of-00001.parquet"

    def meanwhile(number: int, done: bool, what: str) -> None:
        if "preupload" in what and not done:
            file.write_bytes(b"other")

    with hub.told(meanwhile):
        said = failed(call, capsys, *PUBLISH)
    assert "data/koala/si-00000-of-00001.parquet changed during the upload; " in said
    assert on_hub(hub.repositories[NAME]) == {} and hub.repositories[NAME].tags == {}


def test_a_folder_that_is_not_sound_never_leaves(
    hub: Hub, here: Path, call: Call, capsys: Captured
) -> None:
    folder = first(here / "spurbench")
    (folder / "data" / "koala" / "si-00000-of-00001.parquet").write_bytes(b"other")
    assert "differs from what manifest.json records" in failed(call, capsys, *PUBLISH)
    first(folder)
    (folder / "README.md").unlink()
    assert (
        "has 1 fault, the first: README.md: README.md is not there; `spurbench verify`"
        in failed(call, capsys, *PUBLISH)
    )
    edited(first(folder), lambda data: data.update(classes={}))
    assert failed(call, capsys, *PUBLISH) == "spurbench: holds no classes yet; build some first"
    assert "no such data set folder" in failed(call, capsys, "publish", "none", *PUBLISH[2:])
    assert hub.requests == []


def test_the_folder_is_looked_at_in_one_place(
    hub: Hub, here: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def verified(folder: Path) -> object:
        seen.append(folder)
        return open_data_set(folder)

    monkeypatch.setattr(module, "verified", verified)
    first(here / "spurbench")
    assert call(*PUBLISH) == 0 and seen == [Path("spurbench")]


def test_one_json_object_says_it_all(hub: Hub, here: Path, call: Call, capsys: Captured) -> None:
    folder = first(here / "spurbench")
    assert call(*PUBLISH, "--json", "--dry-run") == 0
    dry = json.loads(capsys.readouterr().out)
    assert dry["dry_run"] and dry["commit"] is None and len(dry["new"]) == 10
    assert dry["bytes"] == sum(len(data) for data in on_disk(folder).values())
    assert call(*PUBLISH, "--json", "--version", "1.1.0") == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["version"], done["revision"], done["nothing_to_do"]) == ("1.1.0", "1.1.0", False)
    assert done["commit"] == hub.repositories[NAME].main.oid


def test_a_hub_that_is_not_to_be_asked_or_is_not_there(
    hub: Hub, here: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.core.test_hub import refusing

    first(here / "spurbench")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    said = failed(call, capsys, *PUBLISH)
    assert said == "HF_HUB_OFFLINE is set, and this needs the hub; unset it"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", refusing())
    said = failed(call, capsys, *PUBLISH)
    assert "does not answer: " in said and said.endswith("then run the same command again")
    assert hub.requests == []
