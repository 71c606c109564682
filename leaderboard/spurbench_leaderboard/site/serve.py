"""A site on loopback, for as long as one looks at it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from spurbench.reading import real


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line a request would hide what the command says."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # it may be rendered again meanwhile
        super().end_headers()


def serve(folder: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the folder to this machine alone until Ctrl-C; ``ready`` is called with its address. Port 0
    takes any that is free. OSError where the port is taken."""
    handler = partial(_Quiet, directory=str(real(folder)))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        ready(f"http://127.0.0.1:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
