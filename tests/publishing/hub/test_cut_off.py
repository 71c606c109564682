"""An upload or download that ends anywhere leaves what was there, and goes on when it is run again."""

from __future__ import annotations

import copy
import os
import signal
from pathlib import Path

import pytest
from huggingface_hub import constants

from .conftest import Call, Start
from .sets import NAME, first, on_disk, on_hub, second
from .state import HalfSent, Hub, HungUp, Refused

Captured = pytest.CaptureFixture[str]
PUBLISH = ("publish", "spurbench", "--repo-id", NAME, "--yes")


class Line:
    """A line to the hub that breaks at a request, before or after it is carried out, for good."""

    def __init__(self, at: int, *, done: bool) -> None:
        self.at, self.when, self.broke_at = at, done, ""

    def __call__(self, number: int, done: bool, what: str) -> None:
        if number > self.at or (number == self.at and done == self.when):
            self.broke_at = self.broke_at or what
            raise HungUp


def test_an_upload_that_is_cut_off_at_any_request_goes_on_and_loses_nothing(
    hub: Hub, here: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = first(here / "spurbench")
    assert call(*PUBLISH) == 0
    old = on_hub(hub.repositories[NAME])
    begun = copy.deepcopy(hub.repositories), dict(hub.objects)
    new = on_disk(second(folder))
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(here / "cache"))
    assert call(*PUBLISH) == 0
    total = len(hub.requests)
    seen = set()
    for at in range(1, total + 1):
        for done in (False, True):
            hub.repositories, hub.objects = copy.deepcopy(begun[0]), dict(begun[1])
            monkeypatch.setattr(constants, "HF_HUB_CACHE", str(here / f"cache-{at}-{done}"))
            line = Line(at, done=done)
            capsys.readouterr()
            with hub.told(line):
                code = call(*PUBLISH)
            said = capsys.readouterr().err
            last = at == total and done
            assert code == 2 and said.count("\n") == 1 and "Traceback" not in said, said
            assert ("does not answer" if at == 1 else "cut off") in said or last
            repository = hub.repositories[NAME]
            assert on_hub(repository) in (old, new), "half a commit"
            assert set(repository.tags) <= {"1.0.0", "2.0.0"} and on_hub(repository, "1.0.0") == old
            arrived = set(hub.objects)
            hub.requests.clear()
            assert call(*PUBLISH) == 0
            assert on_hub(repository) == new == on_hub(repository, "2.0.0")
            assert on_hub(repository, "1.0.0") == old and set(repository.tags) == {"1.0.0", "2.0.0"}
            assert len(repository.commits) == 3, "it was committed once"
            sent = {what.rpartition("/")[2] for what in hub.requests if what.startswith("PUT")}
            assert not sent & arrived, "what had arrived was sent again"
            seen.add((line.broke_at, done))
    assert len(seen) >= 20, f"{len(seen)} different requests"


def test_a_first_upload_that_is_cut_off_goes_on(hub: Hub, here: Path, call: Call) -> None:
    folder = first(here / "spurbench")
    at = 0
    while True:
        hub.repositories.clear()
        hub.objects.clear()
        at += 1
        with hub.told(Line(at, done=True)):
            whole = call(*PUBLISH) == 0
        if whole:
            break
        for repository in hub.repositories.values():
            assert on_hub(repository) in ({}, on_disk(folder))
        assert call(*PUBLISH) == 0
        assert on_hub(hub.repositories[NAME], "1.0.0") == on_disk(folder)
        assert len(hub.repositories[NAME].commits) == 2
    assert at > 10


@pytest.mark.parametrize("where", ["PUT /store", "/commit/", "/tag/"])
@pytest.mark.parametrize("done", [False, True])
def test_an_upload_that_is_killed_goes_on(
    hub: Hub, here: Path, tmp_path: Path, call: Call, start: Start, where: str, done: bool
) -> None:
    folder = first(tmp_path / "spurbench")
    child = start(*PUBLISH)

    def kill(number: int, over: bool, what: str) -> None:
        if where in what and over == done and child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            raise HungUp

    with hub.told(kill):
        child.communicate()
    assert child.returncode == -signal.SIGKILL
    repository = hub.repositories[NAME]
    assert on_hub(repository) in ({}, on_disk(folder))
    assert call("publish", folder, *PUBLISH[2:]) == 0
    assert on_hub(repository, "1.0.0") == on_disk(folder) and len(repository.commits) == 2


def test_a_stop_by_ctrl_c_says_how_to_go_on(hub: Hub, tmp_path: Path, start: Start) -> None:
    first(tmp_path / "spurbench")
    child = start(*PUBLISH)

    def interrupt(number: int, over: bool, what: str) -> None:
        if "preupload" in what and not over:
            os.kill(child.pid, signal.SIGINT)

    with hub.told(interrupt):
        _, said = child.communicate()
    assert child.returncode == 130
    assert said == "spurbench: stopped by SIGINT; the same command goes on from what is finished\n"
    assert hub.repositories[NAME].tags == {}


def test_what_passes_is_tried_again_by_the_client(hub: Hub, here: Path, call: Call) -> None:
    folder = first(here / "spurbench")
    failing = {"PUT /store": 2, "preupload": 1, "objects/batch": 1}

    def orders(number: int, done: bool, what: str) -> None:
        for word, left in failing.items():
            if word in what and left:
                failing[word] = left - 1
                raise HungUp if left > 1 else Refused(503)

    with hub.told(orders):
        assert call(*PUBLISH) == 0
    assert not any(failing.values())
    assert on_hub(hub.repositories[NAME], "1.0.0") == on_disk(folder)


@pytest.mark.parametrize("status", [429, 500])
def test_a_hub_that_fails_is_told_in_a_line(
    hub: Hub, here: Path, call: Call, capsys: Captured, status: int
) -> None:
    first(here / "spurbench")

    def orders(number: int, done: bool, what: str) -> None:
        if "/commit/" in what:
            raise Refused(status, "", "too much")

    with hub.told(orders):
        assert call(*PUBLISH) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"spurbench: {NAME}: the hub fails ({status}); wait a little, then run ")
    assert on_hub(hub.repositories[NAME]) == {}


def test_a_download_that_is_cut_off_at_any_request_goes_on(
    hub: Hub, here: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = first(here / "spurbench")
    call(*PUBLISH)
    wanted = on_disk(folder)
    at, cuts = 0, 0
    while True:
        at += 1
        out = here / f"out{at}"
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(here / f"cache{at}"))

        def orders(number: int, done: bool, what: str, at: int = at) -> None:
            if number >= at and done and what.startswith("GET"):
                raise HalfSent
            if number >= at and done:
                raise HungUp

        capsys.readouterr()
        with hub.told(orders):
            code = call("pull", NAME, "--out", out)
        if code == 0:
            break
        cuts += 1
        said = capsys.readouterr().err
        assert (
            code == 2
            and "Traceback" not in said
            and said.splitlines()[-1].startswith("spurbench: ")
        )
        assert not out.exists() and not list(here.glob(".out*"))
        assert call("pull", NAME, "--out", out) == 0
        assert on_disk(out) == wanted
    assert cuts > 10
