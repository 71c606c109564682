"""Signals end every command with one line; what takes long to import is announced."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from spurbench.terminal import loading

COMMAND = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from spurbench import cli

@cli.app.command("wait")
def wait(stubborn: bool = False) -> None:
    if stubborn:
        with ThreadPoolExecutor() as pool:  # which waits for its threads, whatever is raised
            future = pool.submit(time.sleep, 600)
            print("ready", flush=True)
            future.result()
    print("ready", flush=True)
    time.sleep(600)

sys.argv = ["spurbench", "wait", *sys.argv[1:]]
cli.main()
"""


def waiting(*words: str) -> subprocess.Popen[str]:
    """A command that has begun its work, and is in the middle of it."""
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_one_line(number: signal.Signals, code: int) -> None:
    child = waiting()
    child.send_signal(number)
    out, err = child.communicate()
    assert (child.returncode, out) == (code, "")
    assert err == (
        f"spurbench: stopped by {number.name}; the same command goes on from what is finished\n"
    )


def test_a_second_signal_ends_a_command_that_waits_for_its_threads() -> None:
    child = waiting("--stubborn")
    child.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.5)  # it is patient with itself
    child.send_signal(signal.SIGINT)
    _, err = child.communicate()
    assert child.returncode == 143
    assert err.count("\n") == 1 and err.startswith("spurbench: stopped by SIGTERM; ")


def test_only_what_is_not_there_yet_is_said_to_be_loaded() -> None:
    assert loading("no_such_module", "sys") == "loading no_such_module ..."
    assert loading("no_such_module", "nor_this") == "loading no_such_module and nor_this ..."
    assert loading("sys") == ""
