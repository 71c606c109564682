"""Whatever a name holds and wherever stdout leads, a command ends with a line and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.printing import LONGEST, one_line

HOSTILE = "a[/b]\n:smile:\x1b[2J\udcff\u2028é"


@given(st.text(st.characters(exclude_categories=[])))
def test_a_line_stays_one(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable() and len(shown.splitlines()) <= 1
    assert text.isprintable() <= (shown == text) or len(text) > LONGEST


def test_a_line_by_hand() -> None:
    assert one_line(HOSTILE) == "a[/b]\\n:smile:\\x1b[2J\\udcff\\u2028é"
    assert one_line("x" * 3000) == "x" * LONGEST + "... (cut)"
    assert one_line("x" * LONGEST) == "x" * LONGEST


def spurbench(
    *words: str, redirect: str = "", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    command = f'"$0" -m spurbench "$@" {redirect}'
    return subprocess.run(
        ["bash", "-c", command, sys.executable, *map(os.fsencode, words)],
        cwd=cwd,
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )


def one(done: subprocess.CompletedProcess[bytes]) -> str:
    """The line of stderr; it must be the only one."""
    text = done.stderr.decode("ascii", "replace")
    assert done.returncode == 2 and text.count("\n") == 1 and text.startswith("spurbench: "), text
    return text.strip()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_names_of_any_kind_in_any_encoding(encoding: str) -> None:
    said = one(spurbench("list", HOSTILE.replace("\0", ""), PYTHONIOENCODING=encoding))
    assert said.startswith("spurbench: unknown kind 'a[/b]\\n:smile:\\x1b[2J")


def test_json_is_json_in_any_encoding(tmp_path: Path) -> None:
    code = (
        "from spurbench.printing import *\nwith streams():\n  print_json({'n': 'é\\udcff\\u2028'})"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert json.loads(shown.stdout) == {"n": "é\udcff\u2028"}


def test_a_full_a_closed_and_a_left_stdout() -> None:
    assert "cannot write to standard output (no space" in one(
        spurbench("list", "recipes", redirect=">/dev/full")
    )
    assert "standard output is closed" in one(spurbench("list", "recipes", redirect=">&-"))
    left = spurbench(
        "list", "models", "--loader", "timm", redirect="| head -1; exit ${PIPESTATUS[0]}"
    )
    assert (left.returncode, left.stderr) == (141, b""), (
        "as the shell says of who wrote to a closed pipe"
    )
    assert left.stdout.count(b"\n") == 1


def test_a_stderr_that_takes_nothing_is_no_reason_to_fail() -> None:
    both = spurbench("list", "recipes", redirect=">/dev/full 2>/dev/full")
    assert both.returncode == 2, "not 120, as of an interpreter whose last words fail"
    assert spurbench("list", "nope", redirect="2>&-").stdout == b"", "nor does stdout get them"
    for redirect in ("2>&-", "2>/dev/full"):
        done = spurbench("list", "recipes", redirect=redirect)
        assert done.returncode == 0 and b"micro" in done.stdout
        assert spurbench("list", "nope", redirect=redirect).returncode == 2


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); "
        "sys.argv = ['spurbench', 'list', 'recipes']; from spurbench.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
    assert "the working folder cannot be found" in one(done)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build",), "Missing option '--classes'; see `spurbench build --help`"),
        (("list", "classes", "--domian", "x"), "No such option: --domian"),
        (("nope",), "No such command 'nope'"),
        (("eval", "--limit", "1" + "0" * 30), "--limit '1"),
        (("build", "--classes", "koala", "--images", "x"), "--images 'x': give a whole number"),
        (("build", "--classes", "koala", "--images", "9" * 5000), "(5000 characters)"),
    ],
)
def test_words_that_a_command_does_not_know(words: tuple[str, ...], said: str) -> None:
    assert said in one(spurbench(*words))


def test_nothing_asked_for_is_help() -> None:
    done = spurbench()
    assert done.returncode == 2 and done.stderr == b"" and b"Usage: spurbench" in done.stdout


def test_a_mask_that_takes_our_own_rights() -> None:
    code = 'umask 0777; "$0" -m spurbench list recipes; umask 0077; "$0" -m spurbench list recipes'
    done = subprocess.run(["bash", "-c", code, sys.executable], capture_output=True, text=True)
    assert (
        done.stderr
        == "spurbench: umask 0777 takes your own rights away; set another, such as 0022\n"
    )
    assert done.returncode == 0 and "micro" in done.stdout


def test_errors_of_the_system_that_a_user_can_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever they are met; others keep their traceback."""
    from spurbench import cli

    def met(error: Exception) -> tuple[int, str]:
        def run() -> None:
            raise error

        monkeypatch.setattr(cli, "mount_commands", run)
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0), capsys.readouterr().err

    assert met(PermissionError(13, "Permission denied", "a\nb")) == (
        2, "spurbench: a\\nb: permission denied; mend that, or name another place\n",
    )  # fmt: skip
    assert met(OSError(28, "No space left on device")) == (
        2, "spurbench: no space left on device; mend that, or name another place\n",
    )  # fmt: skip
    assert met(UnicodeEncodeError("utf-8", "a\udcff", 1, 2, "surrogates not allowed")) == (
        2, "spurbench: 'a\\udcff': cannot be stored as UTF-8; rename what is called so\n",
    )  # fmt: skip
    for error in (FileNotFoundError(2, "No such file", "x"), OSError("?"), ValueError("x")):
        with pytest.raises(type(error)):
            met(error)
