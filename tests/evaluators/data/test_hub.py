"""A data set on the hub, from a small server on this machine that speaks the hub's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from spurbench.files import sha256_bytes
from tests.conftest import ROOT, make_class

COMMIT = "1" * 40
REPO = "someone/spurious"


def handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    """Serves a folder as revision ``v1`` of a data set repository."""

    class Hub(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            files = sorted(p for p in folder.rglob("*") if p.is_file())
            names = {p.relative_to(folder).as_posix(): p for p in files}
            api = f"/api/datasets/{REPO}"
            resolve = [f"/datasets/{REPO}/resolve/{rev}/" for rev in ("v1", COMMIT)]
            if path in (f"{api}/revision/v1", f"{api}/revision/{COMMIT}"):
                siblings = [{"rfilename": name} for name in names]
                self._json({"id": REPO, "sha": COMMIT, "siblings": siblings})
            elif path.startswith((f"{api}/tree/v1", f"{api}/tree/{COMMIT}")):
                self._json(
                    [
                        {"type": "file", "path": n, "size": p.stat().st_size, "oid": "0" * 40}
                        for n, p in names.items()
                    ]
                )
            elif any(path.startswith(p) and path.removeprefix(p) in names for p in resolve):
                name = path.split("/", 6)[6]
                self._send(names[name].read_bytes())
            elif path.startswith(f"{api}/revision/"):
                self._send(b"{}", 404, {"X-Error-Code": "RevisionNotFound"})
            else:
                self._send(b"{}", 404, {"X-Error-Code": "RepoNotFound"})

        def _json(self, value: object) -> None:
            self._send(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})

        def _send(self, body: bytes, code: int = 200, more: dict[str, str] | None = None) -> None:
            self.send_response(code)
            heads = {"Content-Length": str(len(body)), "ETag": f'"{sha256_bytes(body)}"'}
            for key, value in (heads | {"X-Repo-Commit": COMMIT} | (more or {})).items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    return Hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(tmp_path / "data"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def evaluate(endpoint: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "HF_ENDPOINT": endpoint,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(home / "hf"),
    }
    command = [sys.executable, "-m", "spurbench", "eval", "--results", str(home / "r"), "--json"]
    command += ["--model", "python/tests.evaluators.fakes:slow", *words]
    root = ROOT
    return subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True)


def test_a_hub_id_is_scored_at_its_revision(hub: str, tmp_path: Path) -> None:
    done = evaluate(hub, tmp_path, "--data", f"{REPO}@v1")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert {(s["split"], s["n"]) for s in result["scores"]} == {
        ("generated", 3),
        ("si", 3),
        ("val", 3),
    }
    again = evaluate(hub, tmp_path, "--data", REPO, "--revision", "v1")
    assert json.loads(again.stdout)["stored"] == [True]
    none = evaluate(hub, tmp_path, "--data", f"{REPO}@v9")
    assert none.returncode == 2 and none.stdout == ""
    assert "neither a folder here nor a data set that the hub gives" in none.stderr
