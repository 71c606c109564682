"""The engine, with steps that only note what they were given: who works when, and in which folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.steps import engine
from spurbench_builders.steps.finished import is_finished
from spurbench_builders.steps.identity import step_key
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.judge import judge
from spurbench_builders.steps.prior import prior
from spurbench_builders.steps.sample import sample
from spurbench_builders.steps.select import references
from spurbench_builders.steps.splits import splits
from spurbench_builders.steps.train import train
from spurbench_builders.team import Team
from tests.builders.made import CARD, made_pool, made_recipe, made_request

NETWORKS = cast(Models, object())
NAMES = ["references", "prior", "train", "sample", "audit", "splits"]


def a_job(out: Path, fresh: bool = False, images: int = 5) -> Job:
    recipe = made_recipe()
    identity = {"recipe": recipe.model_dump(mode="json"), "images": images}
    return Job(CARD, made_request(out, recipe, fresh=fresh), made_pool(10, 20), identity)


class Mate(Team):
    """A process of two that waits for nobody; what it would wait for and agree on is noted."""

    def __init__(self, rank: int, said: list[bool] | None = None) -> None:
        super().__init__(rank, 2)
        self.noted: list[object] = []
        self.said = said or []

    def wait(self) -> None:
        self.noted.append("waits")

    def agreed(self, value: bool) -> bool:
        self.noted.append(value)
        return value if self.leads else self.said.pop(0)


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has every step write its name into its folder; the steps' folders as they work, in order."""
    folders: list[str] = []

    def noted(step: engine.Step) -> engine.Step:
        def make(job: Job, models: Models, team: Team, folder: Path) -> Iterator[Progress]:
            assert models is NETWORKS and isinstance(team, Team)
            folders.append(folder.name)
            yield job.progress(step.name, 0, 2)
            (folder / "made.txt").write_text(step.name)
            yield job.progress(step.name, 2, 2)

        return engine.Step(step.name, make, step.needs, step.shared)

    monkeypatch.setattr(engine, "STEPS", tuple(noted(step) for step in engine.STEPS))
    return folders


def test_the_table() -> None:
    none: tuple[str, ...] = ()
    assert [(s.name, s.make, s.needs, s.shared) for s in engine.STEPS] == [
        ("references", references, none, False),
        ("prior", prior, none, True),
        ("train", train, ("references", "prior"), True),
        ("sample", sample, ("train",), True),
        ("audit", judge, ("references", "sample"), False),
        ("splits", splits, ("references", "sample", "audit"), False),
    ]


def test_steps_go_in_order_once_and_tell_how_far_they_are(
    worked: list[str], tmp_path: Path
) -> None:
    job = a_job(tmp_path / "set")
    events = list(engine.work(job, NETWORKS, Team()))
    assert worked == [f".{name}.part" for name in NAMES]
    assert [(e.step, e.done) for e in events] == [(n, d) for n in NAMES for d in (0, 2)]
    for name in NAMES:
        assert is_finished(job.root, name)
        assert (job.folder(name) / "made.txt").read_text() == name
    timings = json.loads((job.root / "timings.json").read_text())
    assert list(timings) == NAMES and all(0 <= t < 60 for t in timings.values())
    assert list(engine.work(job, NETWORKS, Team())) == [] and len(worked) == 6


def test_only_what_leads_to_the_goal_is_made(worked: list[str], tmp_path: Path) -> None:
    job = a_job(tmp_path / "set")
    list(engine.work(job, NETWORKS, Team(), "prior"))
    list(engine.work(job, NETWORKS, Team(), "audit"))
    order = ["prior", "references", "train", "sample", "audit"]
    assert worked == [f".{name}.part" for name in order]


def test_a_step_lost_or_altered_is_made_again_and_no_other(
    worked: list[str], tmp_path: Path
) -> None:
    job = a_job(tmp_path / "set")
    list(engine.work(job, NETWORKS, Team()))
    (job.folder("audit") / "made.txt").write_text("altered")
    worked.clear()
    list(engine.work(job, NETWORKS, Team()))
    assert worked == [".audit.part"] and is_finished(job.root, "audit")


def test_what_can_be_taken_over_is_sealed_with_its_key(worked: list[str], tmp_path: Path) -> None:
    job = a_job(tmp_path / "set")
    list(engine.work(job, NETWORKS, Team()))
    for name in NAMES:
        inputs = job.folder(name) / "inputs.json"
        if name in ("references", "prior", "train", "sample"):
            key = step_key(job.identity, name, 0.4)
            assert (
                json.loads(inputs.read_text()) == {"key": key} == {"key": engine.key_of(job, name)}
            )
        else:
            assert not inputs.exists()


def test_another_build_takes_over_what_it_shares_unless_it_is_fresh(
    worked: list[str], tmp_path: Path
) -> None:
    list(engine.work(a_job(tmp_path / "set"), NETWORKS, Team()))
    worked.clear()
    more = a_job(tmp_path / "set", images=9)
    list(engine.work(more, NETWORKS, Team()))
    assert worked == [".sample.part", ".audit.part", ".splits.part"]
    assert is_finished(more.root, "train")
    worked.clear()
    list(engine.work(a_job(tmp_path / "set", fresh=True, images=7), NETWORKS, Team()))
    assert worked == [f".{name}.part" for name in NAMES]


def test_an_interrupted_step_is_not_there_and_its_folder_is_used_again(
    worked: list[str], tmp_path: Path
) -> None:
    job = a_job(tmp_path / "set")
    events = engine.work(job, NETWORKS, Team())
    assert next(events).done == 0
    events.close()  # type: ignore[attr-defined]
    assert not job.folder("references").exists()
    (job.root / ".references.part" / "kept.txt").write_text("kept")
    list(engine.work(job, NETWORKS, Team()))
    assert (job.folder("references") / "kept.txt").read_text() == "kept"


def test_the_lead_looks_and_all_do_as_it_says(worked: list[str], tmp_path: Path) -> None:
    """The lead of two does every step; its mate its share of some, and what is done is left."""
    job = a_job(tmp_path / "set")
    list(engine.work(job, NETWORKS, Team(), "prior"))
    worked.clear()
    lead = Mate(0)
    list(engine.work(job, NETWORKS, lead))
    assert worked == [f".{n}.part" for n in NAMES if n != "prior"]
    looked = [n != "prior" for n in NAMES]
    assert lead.noted == [x for look in looked for x in (look, "waits")]
    worked.clear()
    mate = Mate(1, said=list(looked))
    other = a_job(tmp_path / "other")
    assert list(engine.work(other, NETWORKS, mate)) == []
    assert worked == [".train.part", ".sample.part"]
    assert mate.noted == [False, "waits"] * 6, "it does not look for itself"
    assert not any(other.folder(n).exists() for n in NAMES)
    assert not (other.root / "timings.json").exists()
