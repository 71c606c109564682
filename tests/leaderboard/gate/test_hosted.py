"""Predictions in a repository of the hub, from a small server on this machine that speaks its protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from spurbench.results import Hosted, read_result, write_result
from spurbench.scores.stored import read_stored
from spurbench_leaderboard.gate import hosted
from tests.conftest import ROOT
from tests.core.test_results import made_result
from tests.evaluators.data.test_hub import COMMIT, REPO, handler

from .made import Board, edited, predictions_of, submitted

PLACE = {"repo_id": REPO, "revision": COMMIT, "path": "some/x.parquet"}


@dataclass
class Hub:
    """A server, the folder that it gives, and the heads of what it was asked."""

    folder: Path
    endpoint: str = ""
    heads: list[dict[str, str]] = field(default_factory=list)
    size: int | None = None


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    found = Hub(tmp_path / "hub")
    (found.folder / "some").mkdir(parents=True)

    class Noted(handler(found.folder)):  # type: ignore[misc]
        def do_GET(self) -> None:  # noqa: N802
            found.heads.append({key.lower(): value for key, value in self.headers.items()})
            super().do_GET()

        def send_header(self, keyword: str, value: str) -> None:
            if keyword == "Content-Length" and found.size is not None:
                value = str(found.size)
            super().send_header(keyword, value)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Noted)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def path(made: Board, hub: Hub) -> Path:
    """A result whose predictions are on the hub and nowhere else."""
    path = submitted(made)
    beside, _ = predictions_of(path)
    beside.rename(hub.folder / "some" / "x.parquet")
    edited(path, lambda data: data.update(hosted=PLACE))
    return path


def check(made: Board, endpoint: str, **more: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings of the command, in a process whose hub is the endpoint."""
    environment = os.environ | {
        "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(made.root / "hf"), "HF_TOKEN": "hf_secret", "PYTHONPATH": _paths(),
    } | more  # fmt: skip
    words = [sys.executable, "-m", "spurbench", "leaderboard", "check", "--json"]
    done = subprocess.run(
        words, env=environment, cwd=made.root, capture_output=True, text=True, timeout=120
    )
    assert done.returncode in (0, 1) and done.stderr == "", done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def _paths() -> str:
    return os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])


def test_predictions_on_the_hub_are_fetched_and_verified(made: Board, hub: Hub, path: Path) -> None:
    assert check(made, hub.endpoint) == (0, [])
    assert hub.heads and all("authorization" not in head for head in hub.heads), "nobody's token"
    asked = len(hub.heads)
    assert check(made, "http://127.0.0.1:9") == (0, []), "without the hub its cache will do"
    assert check(made, hub.endpoint, HF_HUB_OFFLINE="1") == (0, [])
    assert len(hub.heads) == asked


def test_what_is_forged_there_is_found(made: Board, hub: Hub, path: Path) -> None:
    file = hub.folder / "some" / "x.parquet"
    beside, _ = predictions_of(submitted(made, "made/other", 2))
    file.write_bytes(beside.read_bytes())
    code, found = check(made, hub.endpoint)
    (said,) = (f["message"] for f in found if f["rule"] == "predictions")
    assert code == 1 and said.startswith("some/x.parquet: is another file than predictions_sha256")


@pytest.mark.parametrize("gone", ["file", "hub"])
def test_what_cannot_be_had_is_one_clear_line(made: Board, hub: Hub, path: Path, gone: str) -> None:
    (hub.folder / "some" / "x.parquet").unlink()
    code, found = check(made, hub.endpoint if gone == "file" else "http://127.0.0.1:9")
    (message,) = (f["message"] for f in found if f["level"] == "error")
    name = f"{REPO}/some/x.parquet at {COMMIT[:12]}"
    assert code == 1 and message.startswith(f"{name}: predictions that the hub does not give (")
    assert gone == "file" or "does not answer" in message
    assert "\n" not in message


def test_what_is_far_too_large_is_not_fetched(made: Board, hub: Hub, path: Path) -> None:
    hub.size = hosted.MOST_HOSTED + 1
    code, found = check(made, hub.endpoint)
    assert code == 1 and f"{hub.size} bytes are more than it can have" in found[0]["message"]
    assert not list((made.root / "hf").rglob("*.parquet"))


def test_the_field_is_written_only_where_it_is_said(tmp_path: Path) -> None:
    """Who does not know the field reads all other files."""
    result = made_result()
    write_result(result, tmp_path / "a.json")
    assert "hosted" not in json.loads((tmp_path / "a.json").read_text())
    there = result.model_copy(update={"hosted": Hosted(**PLACE)})
    write_result(there, tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text())["hosted"] == PLACE
    assert read_result(tmp_path / "b.json") == there != read_result(tmp_path / "a.json")


def test_a_hosted_result_with_its_predictions_beside_it_is_its_own(made: Board) -> None:
    path = submitted(made)
    edited(path, lambda data: data.update(hosted=PLACE))
    assert read_stored(path).result.hosted == Hosted(**PLACE)


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../x.parquet"}, {"path": "/x.parquet"}, {"path": "a//x.parquet"}, {"path": "x.json"},
        {"path": "a/.x.parquet"}, {"path": "a\\x.parquet"}, {"path": "a?x.parquet"}, {"path": ""},
        {"path": "a" * 300 + ".parquet"}, {"path": "x.parquet\n"}, {"revision": "main"},
        {"revision": "1" * 41}, {"repo_id": "x"}, {"repo_id": "a/b/c"}, {"repo_id": "../b"},
        {"repo_id": "é/b"},
    ],
)  # fmt: skip
def test_places_that_are_none(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Hosted(**PLACE | change)
