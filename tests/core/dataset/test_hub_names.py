"""Names on the hub, and the snapshot that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from spurbench.dataset.hub import is_hub_id, snapshot, split_id
from spurbench.errors import UserError


@pytest.mark.parametrize("text", ["a/b", "a/b@v1", "some-one/x.y_z", "a/b@refs/pr/1"])
def test_hub_ids(text: str) -> None:
    assert is_hub_id(text)


@pytest.mark.parametrize(
    "text",
    ["spurbench", "a/b/c", "/abs", "a/", "../x", "./x", "a//b", "a b/c", "a/b..c", "", "@v1"],
)
def test_what_is_no_hub_id(text: str) -> None:
    assert not is_hub_id(text)


def test_a_revision_in_the_name_comes_before_the_other() -> None:
    assert split_id("a/b") == ("a/b", None)
    assert split_id("a/b", "v2") == ("a/b", "v2")
    assert split_id("a/b@v1", "v2") == ("a/b", "v1")
    assert split_id("a/b@", "v2") == ("a/b", "v2")
    assert split_id("a/b@v1@x") == ("a/b", "v1@x")
    assert split_id("a/b", "v" * 255) == ("a/b", "v" * 255)
    for text, revision in (("a/b@" + "v" * 256, None), ("a/b", "v" * 256)):
        with pytest.raises(
            UserError, match=r"^'a/b': a version of 256 characters; the hub has none"
        ):
            split_id(text, revision)


def test_a_snapshot_is_the_data_sets_manifest_and_data_at_its_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def download(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    (tmp_path / "manifest.json").touch()
    assert snapshot("a/b@v1", "v2") == tmp_path == snapshot("a/b")
    said = {"repo_type": "dataset", "allow_patterns": ["manifest.json", "data/**"]}
    assert asked == [("a/b", said | {"revision": "v1"}), ("a/b", said | {"revision": None})]
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(UserError) as none:
        snapshot("a/b@v1")
    assert str(none.value) == (
        "a/b@v1: is on the hub, but has no manifest.json: not a spurbench data set"
    )


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError("no way\nand more"), "no way"),
        (LocalEntryNotFoundError(f"  {'x' * 200}"), "x" * 160),
    ],
)
def test_what_cannot_be_had_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, shown: str
) -> None:
    def download(name: str, **options: Any) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(UserError) as said:
        snapshot("a/b@v1")
    assert str(said.value) == (
        f"a/b@v1: neither a folder here nor a data set that the hub gives ({shown}); check the "
        "name, or make one with `spurbench build` or `spurbench import-si`"
    )
