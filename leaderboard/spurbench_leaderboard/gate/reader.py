"""Reads predictions files of strangers, by a process of its own that may fail alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from spurbench.errors import UserError
from spurbench.files import sha256_bytes

from .child import LENGTH, READY, TABLE

if TYPE_CHECKING:
    from spurbench.scores.predictions import Predictions

PATIENCE_SECONDS = 120.0


class Reader:
    """Decodes predictions, a file after the other; a context that ends the process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def read(self, data: bytes, where: str) -> Predictions:
        """The predictions that a file's bytes hold; UserError where they hold none, or cannot be
        decoded within bounds."""
        import pyarrow as pa

        from spurbench.scores.predictions import of_table

        answer = self._ask(data)
        if not answer:
            raise UserError(f"{where}: cannot be decoded within bounds of time and memory")
        said = answer[1:]
        if answer[:1] != TABLE:
            reason = said.decode("utf-8", "replace")
            raise UserError(
                f"{where}: not a predictions file of `spurbench eval` ({reason}); score the model again"
            )
        table = pa.ipc.open_stream(pa.py_buffer(said)).read_all()
        return of_table(table, sha256_bytes(data), where)

    def _ask(self, data: bytes) -> bytes:
        """What the process says of a file; nothing where that ended it."""
        process = self._process or self._start()
        timer = threading.Timer(PATIENCE_SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdin and process.stdout
            process.stdin.write(LENGTH.pack(len(data)))
            process.stdin.write(data)
            process.stdin.flush()
            answer = _received(process.stdout)
        except BrokenPipeError:
            answer = b""
        except BaseException:  # half an answer is nobody's
            self._end()
            raise
        finally:
            timer.cancel()
        if not answer:
            self._end()
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: modules are not looked for in the working folder, which may be a submission's.
        words = [sys.executable, "-P", "-m", f"{__package__}.child"]
        # What a crash says tells nobody anything; a stderr that is closed here would be stdout there.
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout
        if _received(process.stdout) != READY:
            process.kill()
            raise RuntimeError(f"does not start: {' '.join(words)}")
        self._process = process
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _received(source: IO[bytes]) -> bytes:
    """A length and as many bytes; nothing where they do not come."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    length = LENGTH.unpack(head)[0]
    data = source.read(length)
    return data if len(data) == length else b""
