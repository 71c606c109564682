"""A hub that is there, and this process or another made to ask it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import close_session, constants

from tests.conftest import ROOT

from .server import running
from .state import WRITER, Hub

Call = Callable[..., int]
Child = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running() as found:
        yield found


@pytest.fixture
def here(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that this process works in, with the hub for its own and a token that may write;
    pauses between the client's attempts take no time."""
    import huggingface_hub.utils._http as http
    from huggingface_hub import file_download

    # The client itself hands files over in a way that its own HTTP library deprecates.
    warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    at_once = SimpleNamespace(**vars(time) | {"sleep": lambda _: None})
    for module in (http, file_download):
        monkeypatch.setattr(module, "time", at_once)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    close_session()
    yield tmp_path / "here"
    close_session()


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Exit code of a command in this process."""
    from tests.evaluators.test_cli import call as called

    return lambda *words: called(monkeypatch, *words)


def environment(hub: Hub, home: Path) -> dict[str, str]:
    told = {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(home),
        "HF_TOKEN": WRITER,
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT), *(str(ROOT / room) for room in ("builders", "evaluators", "publishing"))]
        ),
    }
    return os.environ | told


@pytest.fixture
def python(hub: Hub, tmp_path: Path) -> Callable[[str], str]:
    """What a program prints that knows of the hub from its environment alone."""

    def run(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment(hub, tmp_path / "home"),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def start(hub: Hub, tmp_path: Path) -> Start:
    """A command in a process of its own, begun."""

    def begun(*words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "spurbench", *map(str, words)],
            env=environment(hub, tmp_path / "home"),
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begun
