"""The campaign's own eyes: it sees a traceback, a hang, two lines, what is left behind or changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .child import Ended
from .judge import Found, faults, snapshot

ROOT = Path(__file__).parents[2]
RUN = """
import os, sys, time
from pathlib import Path
from tests.bad_input.child import run
from tests.bad_input.judge import faults, snapshot

def main():
{body}

folder = Path(sys.argv[1])
before = snapshot(folder)
ended = run(["x"], folder, "{around}", 2.0, main)
print(ended.code, faults("score", ended, before, snapshot(folder), bad={bad}, around="{around}"))
"""
LINE = "sys.stderr.write('spurbench: no such file\\n'); sys.exit(2)"


def met(folder: Path, body: str, *, around: str = "", bad: bool = True) -> str:
    """What the harness sees of a command that does this in the folder."""
    (folder / "input").write_text("as it is")
    code = RUN.format(body=f"    {body}", around=around, bad=bad)
    words = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_line_and_nothing_else_is_fine(tmp_path: Path) -> None:
    assert met(tmp_path, LINE) == "2 []"
    progress = "sys.stderr.write('spurbench eval: loading torch ...\\n'); "
    assert met(tmp_path, progress + LINE) == "2 []"


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("raise ValueError('x')", "1 ['traceback', 'exit code 1']"),
        ("sys.stderr.write('a\\n'); " + LINE, "2 ['2 lines']"),
        ("sys.exit(2)", "2 ['0 lines']"),
        ("sys.stderr.write('no such file\\n'); sys.exit(2)", "2 ['a line that is not ours']"),
        ("pass", "0 ['accepted']"),
        ("time.sleep(9)", "None ['hung']"),
        ("os.kill(os.getpid(), 11)", "-11 ['exit code -11']"),
        ("Path('.part').mkdir(); " + LINE, "2 ['left .part']"),
        ("Path('input').write_text('x'); " + LINE, "2 ['changed input']"),
        ("Path('input').chmod(0o600); " + LINE, "2 ['changed input']"),
        ("Path('input').unlink(); " + LINE, "2 ['changed input']"),
        ("Path('input').write_text('x')", "0 ['accepted', 'changed input']"),
        ("Path('ran').touch(); " + LINE, "2 ['left ran', 'ran code']"),
        ("sys.exit('bad')", "1 ['exit code 1']"),
    ],
)
def test_what_is_wrong_is_seen(tmp_path: Path, body: str, seen: str) -> None:
    assert met(tmp_path, body) == seen


def test_surroundings_bite(tmp_path: Path) -> None:
    """Even where the tests have all rights."""
    shut = "Path('input').chmod(0); Path('input').read_text()"
    assert met(tmp_path, shut).startswith("1 ['traceback'")
    (tmp_path / "input").chmod(0o600)
    assert met(tmp_path, "print('x')", around="stdout full", bad=False) == (
        "120 ['traceback', 'exit code 120']"
    )
    assert met(tmp_path, "assert sys.stdout is None", around="stdout closed", bad=False) == "0 []"
    grow = "Path('more').write_bytes(bytes(5000))"
    assert "traceback" in met(tmp_path, grow, around="a full disk")
    assert "UnicodeEncodeError" not in met(tmp_path, "print('é')", around="ascii", bad=False)


def test_a_snapshot_sees_links_modes_and_kinds(tmp_path: Path) -> None:
    import os

    (tmp_path / "a").write_text("x")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "l").symlink_to("nowhere")
    os.mkfifo(tmp_path / "f")
    found = snapshot(tmp_path)
    assert found["d/l"] == ("link", "nowhere") and found["f"][0] == "other"
    assert found["d"][0] == "folder" and found["a"][:1] == ("file",) and len(found) == 4
    (tmp_path / "a").chmod(0o400)
    assert snapshot(tmp_path)["a"] != found["a"]


def test_what_a_command_may_keep() -> None:
    ended = Ended(2, "", "spurbench: x\n", 0.1)
    work: Found = {"o.work": ("folder",), "o.work/koala-1/train": ("folder",)}
    assert faults("build", ended, {}, work, bad=True, around="") == []
    assert faults("merge", ended, {}, work, bad=True, around="") == [
        "left o.work",
        "left o.work/koala-1/train",
    ]


def test_results_that_were_told_of_may_stay() -> None:
    """Of a list of models, those that were scored before another one failed."""
    err = "result: results/micro/c1/x.json\nfailed: no such model\nspurbench: models.txt, line 2: no\n"
    made = ("results/micro", "results/micro/c1", "results/micro/c1/x.json")
    beside = ("results/micro/c1/x.0123abcd.parquet",)
    other = (
        "results/micro/c1/y.json",
        "results/micro/c1/x.json.part",
        "results/micro/c1/x.0123abcd",
    )
    after: Found = dict.fromkeys((*made, *beside, *other), ("file",))
    found = faults("eval", Ended(2, "", err, 0.1), {}, after, bad=True, around="")
    assert found == [f"left {name}" for name in other]
    silent = faults("eval", Ended(2, "", "spurbench: no\n", 0.1), {}, after, bad=True, around="")
    assert silent == [f"left {name}" for name in made]
