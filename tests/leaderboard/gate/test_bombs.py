"""Parquet that stands for more than it weighs, or is of another shape than predictions."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurbench.errors import UserError
from spurbench.scores.predictions import METADATA, schema
from spurbench_leaderboard.gate import child
from spurbench_leaderboard.gate.reader import Reader

from .made import Board, predictions_of, submitted


def written(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", **options)
    return buffer.getvalue()


def texts(size: int, rows: int) -> bytes:
    """A text of ``size`` bytes in every row, which the file has once."""
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["x" * size])
    return written(pa.table({"slug": column}), store_schema=False)


def zeros(rows: int) -> bytes:
    """Numbers that compress to nothing."""
    return written(pa.table({"class_log_odds": np.zeros(rows, np.float32)}), use_dictionary=False)


def lists(length: int) -> bytes:
    """One row with a list of so many numbers, all the same."""
    values = pa.array(np.zeros(length, np.float32))
    column = pa.ListArray.from_arrays(pa.array([0, length], pa.int32()), values)
    return written(pa.table({"logits": column}))


def nested(levels: int) -> bytes:
    kind, value = pa.int32(), 1
    for _ in range(levels):
        kind, value = pa.list_(kind), [value]  # type: ignore[assignment]
    return written(pa.table({"top_outputs": pa.array([value], kind)}))


def columns(**more: Any) -> bytes:
    return written(pa.table({"slug": ["a"], **more}))


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a million rows and one": (lambda: zeros(1_000_001), "1000001 rows are more than it can have"),
    "many rows": (lambda: zeros(1 << 26), "rows are more than it can have"),
    "one long list": (lambda: lists(1 << 27), "bytes when it is decoded|more than .* bytes"),
    "a long text": (lambda: texts(1001, 10), "the column slug has a text of more than 1000 bytes"),
    "a text of 8 MB a million times": (
        lambda: texts(8 << 20, 1_000_000),
        "bytes when it is decoded",
    ),
    "texts that add up": (lambda: texts(1000, 900_000), "bytes of text when it is decoded"),
    "nested lists": (lambda: nested(300), "nested"),
    "a path for a name": (lambda: columns(**{"../../x": [1]}), r"it has a column '\.\./\.\./x'"),
    "another type": (lambda: columns(label=["a"]), "the column label is of type string"),
    "bytes for text": (lambda: columns(split=[b"\xff"]), "the column split is of type binary"),
    "columns without end": (
        lambda: columns(**{f"c{i}": [1] for i in range(5000)}),
        "columns are more than it can have",
    ),
    "no column": (lambda: written(pa.table({})), "not a predictions file"),
    "no rows": (lambda: written(schema().empty_table()), "not a predictions file|no predictions"),
    "an archive": (lambda: b"PK\x03\x04" + b"\0" * 500, "magic bytes not found"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_in_bounded_time(reader: Reader, kind: str) -> None:
    make, said = BOMBS[kind]
    data = make()
    assert len(data) < 4 << 20, "what lies beside a result is never larger"
    with pytest.raises(UserError, match=said):
        reader.read(data, "x.parquet")


def test_memory_is_bounded_whatever_a_file_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look at the file's own words, the system still keeps the bound."""
    import subprocess
    import sys

    code = (
        "from spurbench_leaderboard.gate import child; import pyarrow.parquet; "
        "child.bound_memory(); import numpy; numpy.ones(1 << 32, numpy.uint8)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "MemoryError" in done.stderr
    assert child.MOST_MEMORY < 1 << 32


def test_a_reader_that_is_killed_fails_alone(made: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends the process is told of one file; the next has a process of its own."""
    beside, honest = predictions_of(submitted(made))
    data = beside.read_bytes()
    with Reader() as own:
        assert own.read(data, "x").sha256 == honest.sha256
        process = own._process
        assert process
        process.kill()
        process.wait()
        with pytest.raises(
            UserError, match="x: cannot be decoded within bounds of time and memory"
        ):
            own.read(data, "x")
        assert own.read(data, "x").table.equals(honest.table)
        assert own._process is not process


def test_a_closed_stderr_is_no_way_for_answers(made: Board) -> None:
    """A new file takes the lowest number that is free: what a closed stream leaves."""
    import subprocess
    import sys

    path = submitted(made)
    code = f"""
import os
os.close(2)
from pathlib import Path
from spurbench_leaderboard.gate.check import check
from spurbench_leaderboard.gate.reader import Reader
with Reader() as reader:
    report = check([], Path({str(made.results)!r}), Path({str(made.known)!r}), None, reader)
print(report.code, len(report.files))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert path.exists() and done.stdout == "0 1\n"


def test_a_reader_that_hangs_is_ended(made: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import signal

    from spurbench_leaderboard.gate import reader

    beside, _ = predictions_of(submitted(made))
    monkeypatch.setattr(reader, "PATIENCE_SECONDS", 0.5)
    with Reader() as own:
        process = own._start()
        os.kill(process.pid, signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(UserError, match="within bounds of time"):
            own.read(beside.read_bytes(), "x")
        assert time.monotonic() - begun < 30


def test_what_files_say_of_types_is_not_believed(reader: Reader, made: Board) -> None:
    """An extension type of Python's, which older versions of Arrow unpickled, stays what it is."""
    beside, honest = predictions_of(submitted(made))
    table = pq.read_table(beside)
    evil = {b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": b"cos\nsystem\n(S'touch canary'\ntR."}  # fmt: skip
    field = pa.field("slug", pa.string(), metadata=evil)
    place = table.schema.get_field_index("slug")
    data = written(table.set_column(place, field, table["slug"]))
    with_it = reader.read(data, "x")
    assert with_it.table.equals(honest.table) and with_it.provenance == honest.provenance


@pytest.mark.parametrize(
    "said",
    [b"", b"{}", b"[" * 100_000, b'{"format": NaN}', b"\xff\xfe", b"cos\nsystem\n(S'x'\ntR."],
)
def test_what_files_say_of_themselves_is_checked(reader: Reader, made: Board, said: bytes) -> None:
    beside, _ = predictions_of(submitted(made))
    table = pq.read_table(beside).replace_schema_metadata({METADATA: said})
    with pytest.raises(UserError, match="^x: not a predictions file of `spurbench eval`"):
        reader.read(written(table), "x")
