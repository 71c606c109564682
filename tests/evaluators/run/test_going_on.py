"""Runs that go on after an interruption or kill -9, and what ends a run."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run import work
from spurbench_evaluators.run.job import Job, job_of
from spurbench_evaluators.run.runner import Chunk
from spurbench_evaluators.run.session import evaluate_all
from tests.conftest import ROOT, make_class, picture
from tests.evaluators.fakes import Fake, small_network
from tests.evaluators.run.sessions import files, score, settings


def test_a_run_that_stops_goes_on_to_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "FLUSH_SECONDS", 0.0)
    first, second = small_network(seed=1), small_network(seed=2)
    evaluate_all([first, second], open_source(folder), tmp_path / "whole", settings())
    real = work.Work.add

    def fails(self: work.Work, chunk: Chunk, *said: Any) -> None:
        if chunk.start >= 20:
            raise KeyboardInterrupt
        real(self, chunk, *said)

    monkeypatch.setattr(work.Work, "add", fails)
    with pytest.raises(KeyboardInterrupt):
        evaluate_all([first], open_source(folder), tmp_path / "cut", settings())
    assert not list(tmp_path.glob("cut/micro/**/*"))
    monkeypatch.setattr(work.Work, "add", real)
    said: list[str] = []
    starts: list[int] = []

    def watch(steps: Iterable[int], total: int | None) -> list[int]:
        starts.extend(steps)
        return starts

    evaluate_all(
        [first, second],
        open_source(folder),
        tmp_path / "cut",
        settings(),
        watch,
        said.append,
    )
    assert said == ["fake/network1: goes on after 20 pictures"]
    assert starts[0] == 0, "the second model starts from the beginning"
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


def test_parts_of_another_network_are_not_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "FLUSH_SECONDS", 0.0)
    real = Job.finish
    monkeypatch.setattr(Job, "finish", lambda self, work, expected: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        score(folder, tmp_path / "r")
    monkeypatch.setattr(Job, "finish", real)
    edited = Fake()
    edited.logits = lambda images: torch.eye(12)[[3] * len(images)]  # type: ignore[method-assign]
    (outcome,) = score(folder, tmp_path / "r", edited)
    assert {s.slug: s.hits for s in outcome.result.scores if s.split == "si"} == {
        "gondola": 6,
        "koala": 0,
    }


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


def test_models_that_stopped_at_different_places_count_no_picture_twice(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_class(folder, tmp_path / "aside", "fireboat", 2, count=6, seed=3000)
    monkeypatch.setattr(work, "FLUSH_SECONDS", 0.0)
    real = work.Work.add

    def fails(self: work.Work, chunk: Chunk, *said: Any) -> None:
        if chunk.start >= 35:
            raise KeyboardInterrupt
        real(self, chunk, *said)

    monkeypatch.setattr(work.Work, "add", fails)
    with pytest.raises(KeyboardInterrupt):
        score(folder, tmp_path / "r", Fake(5), batch_size=7)
    monkeypatch.setattr(work.Work, "add", real)
    outcomes = score(folder, tmp_path / "r", Fake(5), Fake(3), batch_size=16)
    assert open_source(folder).count == 60
    for outcome in outcomes:
        rows = outcome.predictions.table.select(["slug", "split", "index"]).to_pylist()
        assert len(rows) == len({tuple(row.values()) for row in rows}) == 60


def test_a_disk_that_fills_up_in_the_middle_is_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(work, "FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(work, "write_bytes", full)
    with pytest.raises(UserError, match="the disk is full"):
        score(folder, tmp_path / "r")


def many_pictures(folder: Path, aside: Path, *, broken: int | None) -> None:
    """300 pictures of one split; the one at ``broken`` is none."""
    aside.mkdir()
    data = [b"no picture" if i == broken else png_bytes(picture(i)) for i in range(300)]
    rows = [Row(d, 5, "koala", "si", i, f"made {i}", sha256_bytes(d)) for i, d in enumerate(data)]
    write_split(rows, aside / "si.parquet")
    splits = {"si": split_entry("koala", "si", aside / "si.parquet")}
    entry = ClassEntry(name="koala", label=5, feature="", splits=splits, provenance={})
    install_class(folder, "made", "micro", "koala", entry, {"si": [aside / "si.parquet"]})


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


def test_two_runs_of_one_thing_do_not_mix(folder: Path, tmp_path: Path) -> None:
    job = job_of(Fake(), open_source(folder), tmp_path / "r", settings())
    with (
        work.locked(tmp_path / "r", job.provenance),
        pytest.raises(
            UserError, match="another `spurbench eval` of fake/5 on this data is running"
        ),
    ):
        score(folder, tmp_path / "r")
    assert not (tmp_path / "r").exists()
    path = score(folder, tmp_path / "r")[0].path
    assert path is not None and path.is_file()
