"""Runs in processes of their own: killed and started again, and ended by an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from spurbench_evaluators.run import work
from tests.conftest import ROOT, make_class, picture
from tests.evaluators.run.sessions import files, score

EVAL = [sys.executable, "-m", "spurbench", "eval", "--model"]


def start(folder: Path, results: Path, seconds: float) -> subprocess.Popen[str]:
    environment = os.environ | {"SPURBENCH_TEST_SECONDS": str(seconds)}
    command = [
        *EVAL, "python/tests.evaluators.fakes:slow", "--data", str(folder), "--results", str(results)
    ]  # fmt: skip
    return subprocess.Popen(
        [*command, "--batch-size", "1"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_kill_and_run_again(folder: Path, tmp_path: Path) -> None:
    make_class(folder, tmp_path / "aside", "fireboat", 2, count=40, seed=3000)
    score(folder, tmp_path / "whole", batch_size=1)
    killed = start(folder, tmp_path / "r", 0.2)
    while not list(tmp_path.glob(f"r/{work.FOLDER}/*/*.parquet")):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not list(tmp_path.glob("r/**/*.json"))
    again = start(folder, tmp_path / "r", 0.0)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    assert "goes on after" in output
    assert files(tmp_path / "r") == files(tmp_path / "whole")


def many_pictures(folder: Path, aside: Path, *, broken: int | None) -> None:
    """300 pictures of one split; the one at ``broken`` is none."""
    aside.mkdir()
    data = [b"no picture" if i == broken else png_bytes(picture(i)) for i in range(300)]
    rows = [Row(d, 5, "koala", "si", i, f"made {i}", sha256_bytes(d)) for i, d in enumerate(data)]
    write_split(rows, aside / "si.parquet")
    splits = {"si": split_entry("koala", "si", aside / "si.parquet", len(rows))}
    entry = ClassEntry(name="koala", label=5, feature="", splits=splits, provenance={})
    install_class(folder, "made", "micro", "koala", entry, {"si": aside / "si.parquet"})


@pytest.mark.parametrize(
    ("model", "broken", "code", "said"),
    [
        ("slow", 1, 2, "koala/si/1 (made 1): cannot be read as a picture"),
        ("failing", None, 1, "LookupError: a fault of the model's"),
    ],
)
def test_an_error_ends_the_process(
    tmp_path: Path, model: str, broken: int | None, code: int, said: str
) -> None:
    many_pictures(tmp_path / "data", tmp_path / "aside", broken=broken)
    ended = subprocess.run(
        [
            *EVAL, f"python/tests.evaluators.fakes:{model}", "--data", str(tmp_path / "data"),
            "--results", str(tmp_path / "r"), "--batch-size", "4",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr.strip().splitlines()[-1]
    assert ("Traceback" in ended.stderr) == (code == 1)
    assert not list(tmp_path.glob("r/**/*.json")) and not list(tmp_path.glob("r/**/*.parquet"))
