"""Files are whole or not there, also when the disk fills up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, sha256_json, write_text


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(UserError, match="the disk is full; mend that"),
        friendly_disk_errors(tmp_path),
    ):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_other_os_errors_keep_their_traceback(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), friendly_disk_errors(tmp_path):
        (tmp_path / "missing").read_text()


def test_equal_values_hash_alike() -> None:
    assert sha256_json({"a": 1, "b": [2]}) == sha256_json({"b": [2], "a": 1})
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})
