"""A hub that does not answer is asked once, and then its cache is all there is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants

from spurbench import hub
from spurbench.hub import hub_or_cache, unanswered


class Host:
    """A host on the loopback that counts who comes, and answers with `reply`, or not at all."""

    def __init__(self, reply: bytes) -> None:
        self.reply, self.visits = reply, 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                guest, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            self._kept.append(guest)  # else it would be hung up
            if self.reply:
                guest.recv(4096)
                guest.sendall(self.reply)
                guest.close()

    def close(self) -> None:
        for one in (self._socket, *self._kept):
            one.close()


@contextmanager
def hub_at(host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(constants, "ENDPOINT", host)
    monkeypatch.setattr(constants, "HF_ENDPOINT", host, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "PATIENCE_SECONDS", 0.3)
    yield


@pytest.fixture
def silent() -> Iterator[Host]:
    host = Host(b"")
    yield host
    host.close()


def refusing() -> str:
    """The address of a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_any_answer_is_an_answer() -> None:
    for status in (b"200 OK", b"404 Not Found", b"503 Service Unavailable"):
        host = Host(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        assert unanswered(host.url) == "" and host.visits == 1
        host.close()


def test_a_hub_that_never_answers_is_asked_once(
    silent: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import snapshot_download

    with hub_at(silent.url, monkeypatch):
        with hub_or_cache() as why, pytest.raises(Exception, match=r"cache|offline"):
            snapshot_download("owner/name", cache_dir=tmp_path)
        assert why.startswith(f"{silent.url} does not answer: ")
        assert why.endswith("; nor is it in the local cache")
        assert silent.visits == 1
        assert constants.HF_HUB_OFFLINE is False  # the next one asks again
    with hub_at(refusing(), monkeypatch), hub_or_cache() as why:
        assert "refused" in why and constants.HF_HUB_OFFLINE is True


def test_what_says_that_it_is_offline_is_not_asked(
    silent: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_at(silent.url, monkeypatch):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with hub_or_cache() as why:
            assert why == ""
        assert constants.HF_HUB_OFFLINE is True
    assert silent.visits == 0
