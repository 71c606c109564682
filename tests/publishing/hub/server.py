"""A hub on the loopback: huggingface_hub's and datasets' own clients talk to it through HF_ENDPOINT.

It keeps to what they ask for and answer to, with the hub's error codes, and it can be told who may
do what, and to fail or hang up at a request.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from .repository import Blob, Commit
from .state import OWNERS, HalfSent, Hub, HungUp, Missing, Refused, may_write, validated

COMMIT_HEADER = "X-Repo-Commit"
Reply = tuple[int, bytes, dict[str, str]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub

    def handle_error(self, *_: object) -> None:
        """A guest that goes in the middle is no news."""


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that answers at its ``url`` within."""
    server = _Server(("127.0.0.1", 0), Handler)
    server.hub = Hub()
    server.hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request after another of a connection."""

    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        return cast(_Server, self.server).hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    do_GET = do_POST = do_PUT = do_HEAD  # noqa: N815

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = f"{self.command} {unquote(urlsplit(self.path).path)}"
        try:
            self._send(*self._carried_out(body, what))
        except (HungUp, OSError):
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _carried_out(self, body: bytes, what: str) -> Reply:
        if "agent-harnesses" in what:  # which the client asks for its own ends, now and then
            return _refusal(Refused(404))
        with self.hub.lock:
            self.hub.requests.append(what)
            number = len(self.hub.requests)
            try:
                self.hub.orders(number, False, what)
                reply = self._reply(body)
                try:
                    self.hub.orders(number, True, what)
                except HalfSent:
                    self.close_connection = True
                    status, data, heads = reply
                    return (
                        status,
                        data[: len(data) // 2],
                        heads | {"Content-Length": str(len(data))},
                    )
                return reply
            except Refused as refused:
                return _refusal(refused)

    def _owner(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in OWNERS:
            raise Refused(401, "", "Invalid credentials in Authorization header")
        return OWNERS.get(token)

    def _reply(self, body: bytes) -> Reply:
        parts = urlsplit(self.path)
        words = [unquote(word) for word in parts.path.strip("/").split("/")]
        query = parse_qs(parts.query)
        match self.command, words:
            case "PUT", ["store", oid]:  # a signed address: no token
                return _json(self.hub.store(oid, body))
            case "HEAD", [""]:
                return _json({})
            case "POST", ["datasets", who, repo, "info", "lfs", "objects", "batch"]:
                self._check_writer(f"{who}/{repo.removesuffix('.git')}", suggests=True)
                return _json(self.hub.batch(json.loads(body)))
            case "HEAD" | "GET", ["datasets", who, repo, "resolve", revision, *below]:
                path = "/".join(below)
                return self._blob(
                    *self.hub.file(f"{who}/{repo}", revision, path, self._owner()), path
                )
            case "POST", ["api", "validate-yaml"]:
                return _json(validated(json.loads(body)))
            case "POST", ["api", "repos", "create"]:
                return _json(self.hub.create(json.loads(body), self._owner()))
            case "GET", ["api", "whoami-v2"]:
                return self._who()
            case "GET", ["api", "datasets", who, repo, *more]:
                return _json(self._asked(f"{who}/{repo}", more, query))
            case "POST", ["api", "datasets", who, repo, *more]:
                return _json(self._ordered(f"{who}/{repo}", more, query, body))
        raise Refused(404, "", f"{self.command} {parts.path} is not a hub's")

    def _who(self) -> Reply:
        owner = self._owner()
        if owner is None:
            raise Refused(401, "", "Invalid username or password.")
        return _json({"name": owner, "type": "user", "orgs": []})

    def _asked(self, name: str, more: list[str], query: dict[str, list[str]]) -> Any:
        owner = self._owner()
        match more:
            case []:
                return self.hub.info(name, "main", owner)
            case ["revision", revision]:
                return self.hub.info(name, revision, owner)
            case ["tree", revision, *below]:
                deep = query.get("recursive", [""])[0].lower() in ("true", "1")
                return self.hub.tree(name, revision, "/".join(below), owner, deep=deep)
            case ["refs"]:
                return self.hub.refs(name, owner)
            case ["discussions"]:
                return self.hub.discussions(name, owner)
        raise Refused(404, "", f"GET {more} is not a hub's")

    def _ordered(self, name: str, more: list[str], query: dict[str, list[str]], body: bytes) -> Any:
        suggests = query.get("create_pr") == ["1"]
        match more:
            case ["paths-info", revision]:
                asked = json.loads(body) if body[:1] == b"{" else parse_qs(body.decode())
                return self.hub.paths(name, revision, asked, self._owner())
            case ["preupload", revision]:
                self._check_writer(name, suggests=suggests)
                return self.hub.preupload(name, revision, json.loads(body))
            case ["commit", revision]:
                self._check_writer(name, suggests=suggests)
                lines = [json.loads(line) for line in body.splitlines()]
                return self.hub.commit(name, revision, lines, pull_request=suggests)
            case ["tag", revision]:
                self._check_writer(name)
                return self.hub.tag(name, revision, json.loads(body))
        raise Refused(404, "", f"POST {more} is not a hub's")

    def _check_writer(self, name: str, *, suggests: bool = False) -> None:
        """Whoever has a token may open a pull request on what may be read."""
        owner = self._owner()
        self.hub.find(name, owner)
        if not (suggests and owner):
            may_write(name, owner)

    def _blob(self, commit: Commit, blob: Blob, path: str) -> Reply:
        heads = {COMMIT_HEADER: commit.oid, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
        if blob.large:
            size = str(len(blob.data))
            heads |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": size}
        data, status = blob.data, 200
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        if wanted and self.command == "GET":
            first, _, last = wanted.partition("-")
            start = int(first) if first else max(0, len(data) - int(last))
            end = min(int(last) + 1 if first and last else len(data), len(data))
            if start >= len(data):
                raise Refused(416, "", "out of range")
            heads["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            data, status = data[start:end], 206
        if self.command == "GET":
            self.hub.served[path] = self.hub.served.get(path, 0) + len(data)
        return status, data, heads

    def _send(self, status: int, body: bytes, heads: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | heads).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _json(value: object) -> Reply:
    return 200, json.dumps(value).encode(), {"Content-Type": "application/json"}


def _refusal(refused: Refused) -> Reply:
    heads = {"X-Error-Code": refused.code, "X-Error-Message": refused.said}
    if isinstance(refused, Missing):
        heads[COMMIT_HEADER] = refused.commit
    said = json.dumps({"error": refused.said}).encode()
    return refused.status, said, {key: value for key, value in heads.items() if value}
