"""Where a run keeps what it has answered, so that the same command goes on after being killed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree, write_bytes, write_text
from spurbench.locks import held
from spurbench.numerals import MOST, index
from spurbench.reading import finite, loads, parquet_table, read_bytes, read_json, why
from spurbench.results import Unreadable
from spurbench.scores.answers import Seen
from spurbench.scores.predictions import METADATA, Provenance, rows_table

from .runner import Chunk

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = ".unfinished"
FLUSH_SECONDS = 5.0
PROBE_TOLERANCE = 1e-3  # relative; rounding by threads and kernels stays below it


class Work:
    """The parts that a run of one model has finished, in a folder named by the run's key.

    A part is a parquet file called by the pictures it covers; it is written aside and renamed, so
    a killed run leaves whole parts only.
    """

    def __init__(self, results: Path, provenance: Provenance) -> None:
        self.provenance = provenance
        self.folder = results / FOLDER / provenance.key()[:16]
        self._waiting: list[Seen] = []
        self._unreadable: list[Unreadable] = []
        self._since = time.monotonic()
        self.stop = self._first = self._covered()[1]

    def add(self, chunk: Chunk, seen: list[Seen], unreadable: list[Unreadable]) -> None:
        """Keep a member's answers to a chunk; every few seconds what waits goes to the disk."""
        self._waiting += seen
        self._unreadable += unreadable
        self.stop = chunk.stop
        if time.monotonic() - self._since >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits as a part."""
        if self.stop != self._first:
            with friendly_disk_errors(self.folder):
                self._write_part()

    def _write_part(self) -> None:
        from pyarrow import BufferOutputStream, parquet

        text = json.dumps([u.model_dump() for u in self._unreadable])
        table = rows_table(self._waiting).replace_schema_metadata({METADATA: text.encode()})
        buffer = BufferOutputStream()
        parquet.write_table(table, buffer)
        self._record_probe()  # first: a kill in between must leave no part without its network's probe
        name = f"{self._first:09d}-{self.stop:09d}.parquet"
        write_bytes(self.folder / name, buffer.getvalue().to_pybytes())
        self._waiting, self._unreadable = [], []
        self._first, self._since = self.stop, time.monotonic()

    def finished(self, expected: int | None) -> tuple[pa.Table, list[Unreadable]]:
        """All rows, and the pictures that were left out.

        UserError unless every one of the ``expected`` pictures (None: as many as were drawn) is
        there, once.
        """
        import pyarrow as pa

        self.flush()
        parts = self._covered()[0]
        left_out = [item for part in parts for item in part.left_out]
        table = pa.concat_tables([rows_table([]), *(part.rows for part in parts)])
        self._check_whole(table, left_out, self.stop if expected is None else expected)
        return table, left_out

    def _check_whole(self, table: pa.Table, left_out: list[Unreadable], expected: int) -> None:
        keys = [tuple(row.values()) for row in table.select(["slug", "split", "index"]).to_pylist()]
        keys += [(u.slug, u.split, u.index) for u in left_out]
        if len(keys) == len(set(keys)) == expected:
            return
        twice = [key for key, times in Counter(keys).items() if times > 1]
        shown = f"; {'/'.join(map(str, twice[0]))} is there twice" if twice else ""
        raise UserError(
            f"{self.provenance.model.spec}: {len(keys)} answers for {expected} pictures{shown}; "
            "check the data set, then score again with --fresh"
        )

    def clear(self) -> None:
        """Forget the parts."""
        remove_tree(self.folder)
        self.stop = self._first = 0
        self._waiting, self._unreadable = [], []

    def _covered(self) -> tuple[list[_Part], int]:
        """The parts that follow one another from the first picture, and where they end: before the
        first that something has damaged since, which is answered again."""
        if not self._same_network():
            return [], 0
        parts: list[_Part] = []
        stop = 0
        for path in sorted(self.folder.glob("*-*.parquet")):
            first, _, last = path.stem.partition("-")
            if index(first, MOST) != stop or index(last, MOST) is None:
                continue
            try:
                part = _read_part(path)
            except UserError:
                continue
            parts.append(part)
            stop = int(last)
        return parts, stop

    def _same_network(self) -> bool:
        try:
            known = read_json(self.folder / "probe")
        except UserError:  # none, or damaged
            return False
        return isinstance(known, list) and alike(known, self.provenance.probe)

    def _record_probe(self) -> None:
        if not self._same_network():  # parts of other code under the same records: not to be mixed
            remove_tree(self.folder)
            write_text(self.folder / "probe", json.dumps(self.provenance.probe))


@dataclass(frozen=True)
class _Part:
    """Answers to pictures that follow one another, and those of them that were left out."""

    rows: pa.Table
    left_out: list[Unreadable]


def _read_part(path: Path) -> _Part:
    """A part of a run; UserError where it is damaged."""
    try:
        table = parquet_table(read_bytes(path))
        said = loads((table.schema.metadata or {})[METADATA])
        left_out = [Unreadable.model_validate(item) for item in said]
        rows = table.replace_schema_metadata(None).cast(rows_table([]).schema)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a part of a run ({why(error)})") from error
    return _Part(rows, left_out)


def alike(first: list[float | None], second: list[float | None]) -> bool:
    """Whether two probes are those of one network: all finite, and equal but for rounding."""
    if len(first) != len(second) or not all(map(finite, [*first, *second])):
        return False
    a, b = np.array(first, dtype=np.float64), np.array(second, dtype=np.float64)
    return bool(
        np.abs(a - b).max(initial=0) <= PROBE_TOLERANCE * max(1.0, np.abs(b).max(initial=0))
    )


@contextmanager
def locked(results: Path, provenance: Provenance) -> Iterator[None]:
    """Hold the run's lock; UserError where another process runs the same."""
    path = results / FOLDER / f"{provenance.key()[:16]}.lock"
    with ExitStack() as stack:
        with friendly_disk_errors(results):
            mine = stack.enter_context(held(path))
        if not mine:
            raise UserError(
                f"{results}: another `spurbench eval` of {provenance.model.spec} on this data is "
                "running; wait for it, or stop it first"
            )
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows does not remove what is open
                path.unlink(missing_ok=True)  # while it is held: who comes next makes a new one
            for folder in (path.parent, results):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
