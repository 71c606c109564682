"""Runs that go on after an interruption or kill -9, and what ends a run."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from spurbench.errors import UserError
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run import work
from spurbench_evaluators.run.job import Job, job_of
from spurbench_evaluators.run.runner import Chunk
from spurbench_evaluators.run.session import evaluate_all
from tests.conftest import make_class
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
