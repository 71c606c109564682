"""Files are whole or not there, also when the disk fills up; hashes say what they hold."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench import files
from spurbench.errors import UserError
from spurbench.files import (
    canonical_json,
    copy_file,
    friendly_disk_errors,
    remove_tree,
    sha256_bytes,
    sha256_file,
    sha256_json,
    whole_file,
    write_bytes,
    write_text,
)
from spurbench.locks import held


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


def test_until_the_end_readers_see_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.bin"
    with whole_file(path) as file:
        file.write(b"old")
        assert not path.exists()
    with whole_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        aside = [p.name for p in path.parent.iterdir() if p != path]
        assert aside == [".a.bin.part"], "hidden, and in the same folder: renaming is atomic there"
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_what_is_renamed_is_on_the_disk_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it: what is still in a buffer would be lost with the power."""
    path, seen, real = tmp_path / "a.bin", [], os.fsync

    def synced(handle: int) -> None:
        seen.append((os.fstat(handle).st_size, path.exists()))
        real(handle)

    monkeypatch.setattr(os, "fsync", synced)
    write_bytes(path, b"x" * 5)
    assert seen == [(5, False)]


def test_sync_gives_its_handle_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(handle: int) -> None:
        handles.append(handle)
        raise OSError(errno.EIO, "broken")

    handles: list[int] = []
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="broken"):
        files.sync(tmp_path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handles[0])


@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt, GeneratorExit])
def test_whatever_ends_a_write_early_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), whole_file(tmp_path / "a.bin") as file:
        file.write(b"half")
        raise error
    assert not list(tmp_path.iterdir())


def test_text_is_utf8_and_its_lines_stay(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "é\r\n鶴\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\n\xe9\xb6\xb4\n"


def test_a_copy_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "new" / "t"
    source.write_bytes(b"\0\xff")
    copy_file(source, target)
    source.write_bytes(b"other")
    assert target.read_bytes() == b"\0\xff" and source.read_bytes() == b"other"
    copy_file(source, target)
    assert target.read_bytes() == b"other"


def test_removing_a_tree(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    remove_tree(tmp_path / "a")
    remove_tree(tmp_path / "a")
    assert not list(tmp_path.iterdir())


REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "writing is not permitted",
    errno.EPERM: "writing is not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "part of the path is a file",
    errno.EEXIST: "a file of that name is in the way",
    errno.EISDIR: "a folder of that name is in the way",
    errno.ENAMETOOLONG: "the name is too long",
}


@pytest.mark.parametrize("number", REASONS)
@pytest.mark.parametrize("named", [True, False])
def test_errors_of_the_disk_in_plain_words(number: int, named: bool) -> None:
    error = OSError(number, "system's words", "the file") if named else OSError(number, "words")
    with pytest.raises(UserError) as caught, friendly_disk_errors(Path("the folder")):
        raise error
    place = "the file" if named else "the folder"
    assert str(caught.value) == (
        f"cannot write {place}: {REASONS[number]}; mend that or choose another folder, then run "
        "the same command again: what is finished is kept"
    )
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone"), OSError("no number")])
def test_other_os_errors_keep_their_traceback(error: OSError) -> None:
    with pytest.raises(OSError) as caught, friendly_disk_errors(Path()):
        raise error
    assert caught.value is error


def test_canonical_json_by_hand() -> None:
    value = {"b": [1, 2.5, None], "a": {"é": True, "d": "x y"}}
    assert canonical_json(value) == '{"a":{"d":"x y","é":true},"b":[1,2.5,null]}'
    assert sha256_json(value) == hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(JSON, JSON)
def test_hashes_tell_values_apart_and_nothing_else(one: object, other: object) -> None:
    def turned(value: object) -> object:
        """Equal, with every mapping's keys in the other order."""
        if isinstance(value, dict):
            return {k: turned(v) for k, v in reversed(value.items())}
        return [turned(v) for v in value] if isinstance(value, list) else value

    assert sha256_json(one) == sha256_json(turned(one))
    # repr, for 1 == True in Python but not in JSON.
    alike = one == other and repr(sorted_keys(one)) == repr(sorted_keys(other))
    assert (sha256_json(one) == sha256_json(other)) == alike


def sorted_keys(value: object) -> object:
    if isinstance(value, dict):
        return {k: sorted_keys(value[k]) for k in sorted(value)}
    return [sorted_keys(v) for v in value] if isinstance(value, list) else value


def test_hashes_of_bytes_and_files(tmp_path: Path) -> None:
    """Known ones (FIPS 180-2), and a file of several blocks."""
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_bytes(b"abc") == abc
    data = bytes(range(256)) * 5000
    (tmp_path / "x").write_bytes(data)
    assert sha256_file(tmp_path / "x") == hashlib.sha256(data).hexdigest() == sha256_bytes(data)


def test_a_link_to_nowhere_in_the_way_of_a_part_or_a_lock(tmp_path: Path) -> None:
    (tmp_path / ".a.part").symlink_to(tmp_path / "no" / "where")
    with pytest.raises(
        UserError, match=r"\.a\.part: cannot be made there; remove what is in the way"
    ):
        write_bytes(tmp_path / "a", b"x")
    assert not (tmp_path / "a").exists()
    (tmp_path / ".lock").symlink_to(tmp_path / "no" / "where")
    with pytest.raises(UserError, match=r"\.lock: cannot be made there"), held(tmp_path / ".lock"):
        pass


def test_of_a_link_to_a_folder_the_link_is_removed(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    (tmp_path / "l").symlink_to("d")
    remove_tree(tmp_path / "l")
    assert not (tmp_path / "l").is_symlink() and (tmp_path / "d" / "f").exists()


def test_a_file_keeps_the_mode_of_the_one_that_it_replaces(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"x")
    (tmp_path / "a").chmod(0o640)
    write_bytes(tmp_path / "a", b"y")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
