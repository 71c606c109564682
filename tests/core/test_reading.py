"""Files from outside: plain and bounded ones are read, all others are a UserError of one line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from spurbench.errors import UserError
from spurbench.reading import (
    DEEPEST,
    LONGEST_NUMBER,
    files_below,
    finite,
    is_file,
    is_folder,
    make_folder,
    members,
    parquet_table,
    parse_json,
    read_bytes,
    read_csv,
    read_json,
    read_text,
    real,
    storable,
    why,
)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "cannot be read (no such file or directory)"),
    "a folder": (Path.mkdir, "is a folder"),
    "a fifo": (os.mkfifo, "is a FIFO"),
    "a socket": (listening, "cannot be read (no such device or address)"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "a loop": (lambda path: path.symlink_to(path), "cannot be read (too many levels of symbolic"),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_plain_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    path = Path("x")
    make, said = NO_FILES[kind]
    make(path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert refused(lambda: read_bytes(path)).startswith(f"x: {said}")
    assert len(list(Path("/proc/self/fd").iterdir())) == before, "nothing is left open"


@pytest.mark.parametrize("name", ["n" * 300, "a\0b", "/".join(["d" * 200] * 30)])
def test_names_that_no_file_can_have(name: str) -> None:
    for look in (read_bytes, is_file, is_folder):
        assert "cannot be read" in refused(lambda look=look: look(Path(name)))  # type: ignore[misc]


def test_what_is_there_is_seen(tmp_path: Path) -> None:
    file, folder = tmp_path / "f", tmp_path / "d"
    file.write_bytes(b"abc")
    folder.mkdir()
    assert read_bytes(file) == b"abc" and read_bytes(file, 3) == b"abc"
    assert "3 bytes are more than it can have (2)" in refused(lambda: read_bytes(file, 2))
    assert (is_file(file), is_file(folder), is_file(tmp_path / "none")) == (True, False, False)
    assert (is_folder(file), is_folder(folder), is_folder(file / "x")) == (False, True, False)
    assert members(tmp_path) == [folder, file]
    assert "not a directory" in refused(lambda: members(file))
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert real(tmp_path / "link") == file
    assert "leads nowhere" in refused(lambda: real(tmp_path / "loop" / "x"))
    assert "too many levels" in refused(lambda: is_file(tmp_path / "loop"))


def test_text_is_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"\xef\xbb\xbfna\xc3\xafve\r\n")
    assert read_text(path) == "naïve\r\n", "without its mark, with its line ends"
    for data in (b"caf\xe9", "x".encode("utf-16")):
        path.write_bytes(data)
        assert f"{path}: not text in UTF-8 (byte" in refused(lambda: read_text(path))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    assert parse_json(json.dumps(value), "x") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f"nested more than {DEEPEST} levels"),
        ("1" * (LONGEST_NUMBER + 1), f"a number of {LONGEST_NUMBER + 1} digits"),
        ("1" * 5000, "a number of 5000 digits"),
        ('{"a": 1, "b": 2, "a": 1}', "the key 'a' stands twice"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice"),
        ('{"a": "\\udcff"}', "'utf-8' codec can't encode character"),
    ],
)
def test_json_that_is_none_or_too_much(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    found = refused(lambda: read_json(path, "a list of fish"))
    assert found.startswith(f"{path}: not a list of fish ({said}") and len(found) < 300
    deep = "[" * DEEPEST + "]" * DEEPEST
    assert parse_json(deep, "x") == json.loads(deep)
    assert parse_json("1" * LONGEST_NUMBER, "x") == int("1" * LONGEST_NUMBER)


def test_csv_by_hand() -> None:
    rows = read_csv('a,b,c\r\n1,"x, ""y""\nz",\n2\n', "x", ("a", "b"))
    assert rows == [{"a": "1", "b": 'x, "y"\nz', "c": ""}, {"a": "2", "b": "", "c": ""}]
    for text, said in [
        ("", "x: lacks the columns a, b"),
        ("a,c\n1,2\n", "x: lacks the columns b"),
        ("a,b,b\n1,2,3\n", "x: has the column b 2 times"),
        ("a,b\n1,2\n1,2,3\n", "x, line 3: has more cells than there are columns"),
        ("a,b\n1,\0\n", "x, line 2: holds a NUL character; remove it"),
        ('a,b\n1,"2\n', "x: not a CSV file (unexpected end of data); mend it"),
        (f"a,b\n1,{'y' * 200_000}\n", "x: not a CSV file (field larger than field limit (131072))"),
    ]:
        assert refused(lambda text=text: read_csv(text, "x", ("a", "b"))).startswith(said)  # type: ignore[misc]


def test_parquet_with_text_that_is_none() -> None:
    for strings, fine in ((b"abc", True), (b"a\xffc", False)):
        column = pa.StringArray.from_buffers(
            1, pa.py_buffer(b"\0\0\0\0\3\0\0\0"), pa.py_buffer(strings)
        )
        buffer = pa.BufferOutputStream()
        parquet.write_table(pa.table({"s": column}), buffer)
        data = buffer.getvalue().to_pybytes()
        if fine:
            assert parquet_table(data)["s"].to_pylist() == ["abc"]
        else:
            with pytest.raises(ValueError, match="UTF8"):
                parquet_table(data)
    with pytest.raises(ValueError, match="too small|footer|smaller"):
        parquet_table(b"PAR1")


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_parquet_is_read_by_one_thread_alone(tmp_path: Path) -> None:
    """A thread of Arrow's with a Python object at hand aborts an interpreter that ends meanwhile."""
    parquet.write_table(
        pa.table({"n": list(range(5000)), "s": ["x"] * 5000}), tmp_path / "t", row_group_size=500
    )
    code = (
        "import os, sys; from spurbench.reading import parquet_table, read_bytes; from pathlib import Path; "
        "import pyarrow.parquet; before = len(os.listdir('/proc/self/task')); "
        "table = parquet_table(read_bytes(Path(sys.argv[1]))); "
        "print(table.num_rows, len(os.listdir('/proc/self/task')) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "t")], capture_output=True, text=True
    )
    assert done.stdout == "5000 0\n", done.stderr


def test_small_words() -> None:
    assert storable("a\udcff.png") == "a\\udcff.png" and storable("é") == "é"
    assert [finite(v) for v in (1, 1.5, float("nan"), float("inf"), None, True, "1")] == [
        True, True, False, False, False, False, False,
    ]  # fmt: skip
    assert why(PermissionError(13, "Permission denied", "x")) == "permission denied"
    assert why(ValueError("one\ntwo")) == "one" and why(KeyError()) == "KeyError"
    assert why(RecursionError("maximum depth")) == "nested too deeply"
    assert len(why(ValueError("x" * 999))) == 160


def test_a_folder_where_none_can_be(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert "cannot be made there" in refused(lambda: make_folder(Path("/proc/nothing/x")))


def test_files_below_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.json", "a/c.json", "a/d.txt", "e.json/f"):
        make_folder((tmp_path / name).parent)
        (tmp_path / name).write_text("x")
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "up").symlink_to("..")

    def found() -> list[str]:
        files = files_below(tmp_path, lambda name: name.endswith(".json"))
        return [str(path.relative_to(tmp_path)) for path in files]

    assert found() == ["a/c.json", "b.json"], "plain files alone, and no folder twice"
    listed = os.scandir

    def going(place: str) -> object:
        if place.endswith("/a"):
            raise FileNotFoundError(2, "No such file or directory", place)
        return listed(place)

    monkeypatch.setattr(os, "scandir", going)
    assert found() == ["b.json"]

    def shut(place: str) -> object:
        raise PermissionError(13, "Permission denied", place)

    monkeypatch.setattr(os, "scandir", shut)
    assert (
        refused(found)
        == f"{tmp_path}: cannot be read (permission denied); mend that, or name another"
    )
