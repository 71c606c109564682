"""What makes two runs one: stored results, and the part of a call that is still to be done."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from spurbench.contracts import LabelSpace, ModelFacts, Transform
from spurbench.errors import UserError
from spurbench.results import Selection, ValidationRecord
from spurbench_evaluators.data.sources import Source, open_source
from spurbench_evaluators.network.classifier import NetworkClassifier
from spurbench_evaluators.run import runner, session, work
from spurbench_evaluators.run.job import Job, job_of
from spurbench_evaluators.run.placement import Placement, choose, place
from spurbench_evaluators.run.session import evaluate_all
from spurbench_evaluators.run.settings import Settings
from tests.evaluators.fakes import Fake, Hungry, small_network
from tests.evaluators.run.sessions import score, settings


def fake(**changes: Any) -> Fake:
    made = Fake()
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def job(source: Source, classifier: Any = None, results: str = "r", **changes: Any) -> Job:
    said, made = replace(settings(), **changes), classifier or Fake()
    if isinstance(made, NetworkClassifier):
        place(made, said.placement)
    return job_of(made, source, Path(results), said)


def validated(source: Source, fingerprint: str) -> Source:
    record = ValidationRecord(name="val", layout="kaggle", fingerprint=fingerprint * 64)
    return replace(source, record=source.record.model_copy(update={"validation": record}))


def test_runs_that_differ_in_what_decides_a_score_have_files_of_their_own(folder: Path) -> None:
    source = open_source(folder)
    part = open_source(folder, Selection(limit=3))
    other = open_source(folder, Selection(limit=4))
    facts = ModelFacts("fake", 0, "1" * 64, "made")
    turned = LabelSpace("micro", "micro", Fake().label_space.names, tuple(reversed(range(12))))
    jobs = {
        "plain": job(source),
        "spec": job(source, fake(spec="fake/6")),
        "weights": job(source, fake(facts=facts)),
        "framing": job(source, framing="squash"),
        "shortest": job(source, fake(transform=Transform("shortest", 8, 8))),
        "shortest, but for validation": job(
            source, fake(transform=Transform("shortest", 8, 8)), framing="si"
        ),
        "interpolation": job(source, fake(transform=Transform("crop", 8, 8, "bilinear"))),
        "resize": job(source, fake(transform=Transform("crop", 8, 9))),
        "label map": job(source, fake(label_space=turned)),
        "float64": job(source, small_network(), placement=Placement("cpu", "float64")),
        "bfloat16": job(source, small_network(), placement=Placement("cpu", "bfloat16")),
        "float32": job(source, small_network()),
        "limit 3": job(part),
        "limit 4": job(other),
        "validation pictures": job(validated(source, "a")),
        "other validation pictures": job(validated(source, "b")),
    }
    assert len({each.path for each in jobs.values()}) == len(jobs)
    assert len({each.provenance.key() for each in jobs.values()}) == len(jobs)
    version = source.record.version
    assert {each.path.parent for each in jobs.values()} == {Path("r/micro") / version}
    assert jobs["plain"].path == job(source).path
    more = [job(source, keep_logits=True), job(source, skip_unreadable=True)]
    assert {each.path for each in more} == {jobs["plain"].path}
    assert len({each.provenance.key() for each in [*more, jobs["plain"]]}) == 3


def test_a_job_says_of_itself_what_was_asked_for(folder: Path) -> None:
    source = open_source(folder)
    network = small_network()
    one = job(source, network, framing="si", keep_logits=True, placement=choose("cpu", "float32"))
    said = one.provenance
    assert (one.spec, said.model.spec) == ("fake/network0", "fake/network0")
    assert said.data == source.record and said.environment["dtype"] == "float32"
    assert (said.keep_logits, said.skip_unreadable) == (True, False)
    assert job(source, skip_unreadable=True).provenance.skip_unreadable
    assert one.member.keep_logits and not job(source).member.keep_logits
    assert said.model.transform["framing"] == "shortest" and len(said.probe) == 8
    # A classifier without a network runs on the CPU, whatever was asked for.
    gpu = job(source, placement=Placement("cuda:0", "float32"))
    assert gpu.member.placement == Placement("cpu", "float32")
    assert gpu.provenance.environment["device"] == "cpu"


def test_stored_and_missing_results_come_back_in_the_order_of_the_models(
    folder: Path, tmp_path: Path
) -> None:
    score(folder, tmp_path / "r", Fake(3))
    models = [Fake(5), Fake(3), Fake(1)]
    outcomes = score(folder, tmp_path / "r", *models)
    assert [o.result.model.spec for o in outcomes] == ["fake/5", "fake/3", "fake/1"]
    assert [o.stored for o in outcomes] == [False, True, False]
    hits = [{s.slug: s.hits for s in o.result.scores if s.split == "si"} for o in outcomes]
    assert hits == [
        {"gondola": 0, "koala": 8},
        {"gondola": 6, "koala": 0},
        {"gondola": 0, "koala": 0},
    ]
    assert sum(models[1].batches) == 1, "the probe alone"


def stored_by(folder: Path, results: Path, probe: list[float | None]) -> bool:
    """Whether a result that lies there is taken for that of a network with this probe."""
    one = job_of(Fake(), open_source(folder), results, settings())
    said = one.provenance.model_copy(update={"probe": probe})
    return replace(one, provenance=said).stored() is not None


def test_a_stored_result_is_that_of_the_same_network_only(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "r"
    probe = job(open_source(folder)).provenance.probe
    assert not stored_by(folder, results, probe)
    (outcome,) = score(folder, results)
    assert stored_by(folder, results, probe)
    assert stored_by(folder, results, [(p or 0) * 1.0005 for p in probe])
    assert not stored_by(folder, results, [(p or 0) * 1.005 for p in probe])
    assert not stored_by(folder, results, [None, *probe[1:]])
    assert outcome.predictions_path is not None
    kept = outcome.predictions_path.read_bytes()
    table = pq.read_table(outcome.predictions_path)
    pq.write_table(table.slice(1), outcome.predictions_path)  # under the same provenance
    assert not stored_by(folder, results, probe), "predictions that are not the result's"
    outcome.predictions_path.unlink()
    assert not stored_by(folder, results, probe)
    outcome.predictions_path.write_bytes(kept)
    assert stored_by(folder, results, probe)
    assert outcome.path is not None
    text = json.loads(outcome.path.read_text(encoding="utf-8"))
    outcome.path.write_text(json.dumps(text | {"predictions_sha256": "0" * 64}), encoding="utf-8")
    assert not stored_by(folder, results, probe)


def test_logits_are_asked_for_anew_only_where_they_are_not_kept(
    folder: Path, tmp_path: Path
) -> None:
    states = [
        score(folder, tmp_path / "r", keep_logits=keep)[0].stored
        for keep in (False, False, True, True, False)
    ]
    assert states == [False, True, False, True, True]
    states = [
        score(folder, tmp_path / "r", skip_unreadable=skip)[0].stored for skip in (True, True)
    ]
    assert states == [False, True]


class Watched:
    """Takes down what a watcher is given."""

    def __init__(self) -> None:
        self.total: list[int | None] = []
        self.steps: list[int] = []

    def __call__(self, steps: Iterable[int], total: int | None) -> Iterable[int]:
        self.total.append(total)
        for step in steps:
            self.steps.append(step)
            yield step


def test_a_watcher_is_told_how_many_pictures_are_done_and_there(
    folder: Path, tmp_path: Path
) -> None:
    watched, source = Watched(), open_source(folder)
    asked = settings(batch_size=16)
    evaluate_all([Fake(5), Fake(3)], source, tmp_path / "r", asked, watched)
    assert (watched.total, watched.steps) == ([42], [0, 16, 32, 42])
    evaluate_all([Fake(5)], source, tmp_path / "r", asked, watched)
    assert watched.total == [42], "nothing is run where all is stored"
    unknown = replace(source, count=None)
    evaluate_all([Fake(5)], unknown, tmp_path / "u", asked, watched)
    assert watched.total == [42, None]


def test_a_run_that_goes_on_tells_where_and_answers_the_rest_only(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "FLUSH_SECONDS", 0.0)
    real = work.Work.add

    def fails(self: work.Work, chunk: Any, *said: Any) -> None:
        if chunk.start >= 24:
            raise KeyboardInterrupt
        real(self, chunk, *said)

    monkeypatch.setattr(work.Work, "add", fails)
    with pytest.raises(KeyboardInterrupt):
        score(folder, tmp_path / "r", Fake(3), batch_size=8)
    monkeypatch.setattr(work.Work, "add", real)
    (whole,) = score(folder, tmp_path / "whole", Fake(3))
    watched, model, said = Watched(), Fake(3), []  # type: ignore[var-annotated]
    source, asked = open_source(folder), settings(batch_size=8)
    (outcome,) = evaluate_all([model], source, tmp_path / "r", asked, watched, said.append)
    assert said == ["fake/3: goes on after 24 pictures"]
    assert watched.steps == [24, 32, 40, 42] and model.batches == [1, 8, 8, 2]
    assert outcome.result == whole.result
    assert outcome.predictions.table == whole.predictions.table
    assert not list((tmp_path / "r").rglob(f"{work.FOLDER}*")), "the parts are gone"


def test_fresh_begins_again_although_parts_are_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(Job, "finish", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        score(folder, tmp_path / "r")
    monkeypatch.undo()
    left = job(open_source(folder), results=str(tmp_path / "r"))
    assert left.open_work(fresh=False).stop == 42
    model = Fake()
    (outcome,) = score(folder, tmp_path / "r", model, fresh=True)
    assert sum(model.batches) == 1 + 42 and not outcome.stored


def test_nothing_readable_is_nothing_to_score(folder: Path, tmp_path: Path) -> None:
    source = open_source(folder)
    broken = [replace(p, data=b"x") for p in source.pictures()]
    hurt = replace(source, pictures=lambda: iter(broken))
    said = "^none of the pictures can be read; nothing to score$"
    with pytest.raises(UserError, match=said):
        evaluate_all([Fake()], hurt, tmp_path / "r", settings(skip_unreadable=True))
    assert not list((tmp_path / "r").rglob("*.json"))


def test_every_model_is_checked_and_placed_before_any_is_run(folder: Path, tmp_path: Path) -> None:
    first, other = Fake(), Fake(3, domain="imagenet")
    with pytest.raises(UserError, match="fake/3 knows the labels of 'imagenet'"):
        score(folder, tmp_path / "r", first, other)
    asked = Settings(choose("cpu", "float64"))
    with pytest.raises(UserError, match="fake/5: brings no torch network"):
        evaluate_all([small_network(), first], open_source(folder), tmp_path / "r", asked)
    assert first.batches == other.batches == [] and not (tmp_path / "r").exists()


def test_the_settings_reach_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    real = runner.run

    def run(*words: Any, **options: Any) -> Any:
        asked.append(options)
        return real(*words, **options)

    monkeypatch.setattr(session, "run", run)
    score(folder, tmp_path / "r", batch_size=9, workers=3, skip_unreadable=True)
    assert asked == [{"batch_size": 9, "workers": 3, "skip_unreadable": True}]
    network = small_network()
    evaluate_all([network], open_source(folder), tmp_path / "r", Settings(choose("cpu", "float64")))
    assert next(network.network.parameters()).dtype == torch.float64
    assert asked[1]["batch_size"] == 16 and asked[1]["skip_unreadable"] is False


def test_memory_that_runs_out_is_told_once_a_model(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    first, second = Hungry(3), Hungry(5)
    second.spec = "fake/hungry"
    source, asked = open_source(folder), settings(batch_size=16)
    evaluate_all([first, second], source, tmp_path / "r", asked, say=said.append)
    assert said == [
        "fake/5: out of memory, now 2 pictures a batch",
        "fake/hungry: out of memory, now 4 pictures a batch",
    ]
    (alone,) = score(folder, tmp_path / "alone", Fake(5))
    kept = json.loads(next((tmp_path / "r").rglob("fake_5*.json")).read_text(encoding="utf-8"))
    assert kept["scores"] == json.loads(json.dumps(alone.result.model_dump()))["scores"]
