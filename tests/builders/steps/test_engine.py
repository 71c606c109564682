"""The engine's table: its order, what each step needs, and that it says so truly."""

from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path

import pytest

from spurbench import plugins
from spurbench_builders.models.needed import Models
from spurbench_builders.run.build import build
from spurbench_builders.steps import engine
from spurbench_builders.steps.job import Job, job_of
from spurbench_builders.team import Team
from tests.builders.run.test_build import digests, request

NAMES = [step.name for step in engine.STEPS]


def test_what_leads_to_a_step() -> None:
    def toward(goal: str) -> list[str]:
        return [step.name for step in engine.steps_toward(goal)]

    assert toward("references") == ["references"] and toward("prior") == ["prior"]
    assert toward("sample") == ["references", "prior", "train", "sample"]
    assert toward("splits") == NAMES


def test_a_step_needs_earlier_ones_only() -> None:
    for i, step in enumerate(engine.STEPS):
        assert set(step.needs) <= set(NAMES[:i]), step.name


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Models]:
    """A class built to its end, and the networks it took."""
    wanted = request(tmp_path_factory.mktemp("engine") / "spurbench", seed=3)
    deque(build(wanted), maxlen=0)
    models = Models(wanted.recipe, plugins.domain("micro"), Team())
    return job_of(wanted, wanted.classes[0], models, Team()), models


@pytest.mark.parametrize("step", engine.STEPS, ids=NAMES)
def test_with_the_steps_it_needs_and_no_other_it_makes_the_same_bytes(
    step: engine.Step, finished: tuple[Job, Models], tmp_path: Path
) -> None:
    job, models = finished
    wanted = request(tmp_path / "spurbench", seed=3)
    alone = job_of(wanted, wanted.classes[0], models, Team(), job.pool)
    for name in step.needs:
        shutil.copytree(job.folder(name), alone.folder(name))
    folder = tmp_path / "made"
    folder.mkdir()
    deque(step.make(alone, models, Team(), folder), maxlen=0)
    made = digests(folder)
    assert made
    assert made == {k: v for k, v in digests(job.folder(step.name)).items() if k in made}


def test_the_lead_alone_works_at_what_is_not_shared(
    finished: tuple[Job, Models], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process of two works at the shared steps only, in the lead's folders."""

    class Second(Team):
        def __init__(self) -> None:
            super().__init__(rank=1, size=2)

        def wait(self) -> None:
            pass

        def agreed(self, value: bool) -> bool:
            return True  # the lead's word: nothing is there yet

    worked: list[str] = []

    def noted(step: engine.Step) -> engine.Step:
        def make(job: Job, models: Models, team: Team, folder: Path):  # type: ignore[no-untyped-def]
            worked.append(folder.name)
            yield job.progress(step.name, 1, 1)

        return engine.Step(step.name, make, step.needs, step.shared)

    monkeypatch.setattr(engine, "STEPS", tuple(noted(step) for step in engine.STEPS))
    job, models = finished
    wanted = request(tmp_path / "spurbench", seed=3)
    own = job_of(wanted, wanted.classes[0], models, Team(), job.pool)
    assert list(engine.work(own, models, Second())) == []
    assert worked == [".prior.part", ".train.part", ".sample.part"]
    assert not own.folder("prior").exists()


def test_one_process_alone_makes_every_step_once(finished: tuple[Job, Models]) -> None:
    job, models = finished
    assert list(engine.work(job, models, Team())) == []
    shutil.rmtree(job.folder("audit"))
    assert {event.step for event in engine.work(job, models, Team())} == {"audit"}
