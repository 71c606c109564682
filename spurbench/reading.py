"""What comes from outside is opened here: plain files of a bounded size, and the JSON, YAML, CSV or
Parquet in them. Whatever is wrong is a UserError that names the place and the reason."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .errors import UserError, disk_reason, short

if TYPE_CHECKING:
    from pyarrow import Table

MOST_BYTES = 1 << 28
"""A picture, a list or a result is never as large as this."""
MOST_TEXT = 1 << 25
DEEPEST = 64
"""Levels of lists and mappings within one another; our own files have fewer than ten."""
LONGEST_NUMBER = 100
"""Digits of a whole number; Python itself refuses thousands, with other words."""


@contextmanager
def opened(path: Path, most: int | None = MOST_BYTES) -> Iterator[BinaryIO]:
    """A plain file to read bytes from; never one that would be waited for (a FIFO) or that never
    ends (a device). UserError where it is none, cannot be read, or has more than ``most`` bytes."""
    try:
        # What is no plain file is not even waited for while it is looked at.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise UserError(f"{path}: {_kind(found.st_mode)}; name a plain file")
    with os.fdopen(handle, "rb") as file:
        if most is not None and found.st_size > most:
            raise UserError(f"{path}: {found.st_size} bytes are more than it can have ({most})")
        try:
            yield file
        except OSError as error:
            raise unreadable(path, error) from error


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """A plain file's bytes; UserError as `opened`."""
    with opened(path, most) as file:
        return file.read()


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """A plain file's text in UTF-8, without the mark that some editors put before it; line ends as
    they are. UserError as `opened`, and where it is no such text."""
    return as_text(read_bytes(path, most), path)


def as_text(data: bytes, where: object, *, keep_mark: bool = False) -> str:
    """Bytes as UTF-8 text, without the mark that some editors put before it unless it is to be kept;
    UserError where they are none."""
    try:
        return data.decode("utf-8" if keep_mark else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: not text in UTF-8 (byte {error.start} is {data[error.start]:#04x}); save it as "
            "UTF-8"
        ) from error


def read_json(path: Path, kind: str = "JSON") -> Any:
    """The JSON in a plain file; UserError as `read_text` and `parse_json`."""
    return parse_json(read_text(path), path, kind)


def parse_json(text: str, where: object, kind: str = "JSON") -> Any:
    """A JSON value, which is to be of a ``kind``; UserError for what is none, for a key that stands
    twice, a whole number of too many digits, or what is nested too deeply."""
    try:
        return loads(text)
    except ValueError as error:
        raise UserError(f"{where}: not {kind} ({why(error)}); mend it") from error


def loads(text: str | bytes) -> Any:
    """A JSON value; ValueError for what ``parse_json`` refuses."""
    try:
        value = json.loads(text, object_pairs_hook=_once_each, parse_int=_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    check_depth(value)
    # Half of a pair of UTF-16 can be written as an escape, and then not stored as UTF-8.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {short(twice)} stands twice")
    return found


def _number(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def check_depth(value: Any) -> None:
    """ValueError for lists and mappings that are nested too deeply to work with."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]


def read_csv(text: str, where: object, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a CSV text with a header, "" for cells that are not there. UserError where it cannot be
    read so, lacks one of the ``columns``, names one twice, or a row has more cells than they are."""
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = list(reader.fieldnames or [])
        rows = list(reader)
    except csv.Error as error:
        raise UserError(f"{where}: not a CSV file ({why(error)}); mend it") from error
    lacking = [name for name in columns if name not in names]
    if lacking:
        raise UserError(f"{where}: lacks the columns {', '.join(lacking)}")
    for name in columns:
        if names.count(name) > 1:
            raise UserError(f"{where}: has the column {name} {names.count(name)} times")
    for number, row in enumerate(rows, start=2):
        if None in row:
            raise UserError(f"{where}, line {number}: has more cells than there are columns")
        if any("\0" in (cell or "") for cell in row.values()):
            raise UserError(f"{where}, line {number}: holds a NUL character; remove it")
    return [{name: cell or "" for name, cell in row.items()} for row in rows]


def parquet_table(data: bytes) -> Table:
    """The table that Parquet bytes hold, its texts known to be UTF-8. ValueError where there is none.

    Read by this thread alone: a thread of Arrow's that still holds a Python object when the
    interpreter ends aborts the process.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        table = file.read(use_threads=False)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(why(error)) from error
    return table


def members(folder: Path) -> list[Path]:
    """What lies directly in a folder, by name; UserError where it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except (OSError, ValueError) as error:
        raise unreadable(folder, error) from error


def files_below(folder: Path, fits: Callable[[str], bool]) -> list[Path]:
    """Plain files at any depth whose name ``fits``, by path; links to folders are not followed.
    UserError where a folder cannot be listed; what goes while we look is not there."""

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise unreadable(error.filename, error) from error

    found = [
        Path(place) / name
        for place, _, names in os.walk(folder, onerror=failed)
        for name in names
        if fits(name)
    ]
    return sorted(path for path in found if is_file(path))


def is_file(path: Path) -> bool:
    """Whether a plain file is there, as far as that can be seen: what cannot even be looked at is a
    UserError, and no file that is not there."""
    return _seen(path, stat.S_ISREG)


def is_folder(path: Path) -> bool:
    """As is_file, for a folder."""
    return _seen(path, stat.S_ISDIR)


def _seen(path: Path, fits: Callable[[int], bool]) -> bool:
    try:
        return fits(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it; UserError where there is no place for it."""
    with placed(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def placed(path: Path) -> Iterator[None]:
    """Within, what is made at the path; UserError where it has no place: a link to nowhere is in the
    way, or the folder is a system's own, such as /proc."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: cannot be made there; remove what is in the way") from error


def real(path: Path) -> Path:
    """Where a path leads, links followed; UserError where they lead to themselves."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"{path}: leads nowhere ({why(error)}); name another") from error


def storable(name: str) -> str:
    """A file's name as text that can be stored: bytes that are not UTF-8 are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def finite(value: Any) -> bool:
    """Whether a value is a number, neither infinite nor NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def why(error: BaseException) -> str:
    """An exception's reason in a few words: the system's own, or the first line of its message."""
    if isinstance(error, OSError) and (error.errno or error.strerror):
        return disk_reason(error)
    if isinstance(error, RecursionError):
        return "nested too deeply"
    said = str(error).strip().split("\n")[0].strip()
    return said[:160] or type(error).__name__


def unreadable(path: object, error: Exception) -> UserError:
    """The UserError for what cannot be opened or listed."""
    return UserError(f"{path}: cannot be read ({why(error)}); mend that, or name another")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "is a folder", stat.S_IFIFO: "is a FIFO", stat.S_IFSOCK: "is a socket"}
    return kinds.get(stat.S_IFMT(mode), "is a device")
