"""A whole eval: stored answers, what is recorded and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from spurbench import plugins
from spurbench.contracts import LabelSpace
from spurbench.errors import UserError
from spurbench.results import Selection, read_result
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.report.tables import score_table
from spurbench_evaluators.run.placement import Placement, choose, placement_of
from spurbench_evaluators.run.records import environment
from spurbench_evaluators.run.session import evaluate_all
from spurbench_evaluators.run.settings import Settings
from tests.conftest import make_class
from tests.core.dataset.made import emptied
from tests.evaluators.fakes import Fake, Hungry, small_network
from tests.evaluators.run.sessions import files, score, settings


def test_a_second_run_answers_from_the_file(folder: Path, tmp_path: Path) -> None:
    (first,) = score(folder, tmp_path / "r")
    before = files(tmp_path / "r")
    again = Fake()
    (second,) = score(folder, tmp_path / "r", again)
    assert (first.stored, second.stored) == (False, True)
    assert second.result == first.result and files(tmp_path / "r") == before
    assert again.batches == [1, 1, 1], "the probe alone"
    (fresh,) = score(folder, tmp_path / "r", fresh=True)
    assert not fresh.stored and files(tmp_path / "r") == before


def test_what_changes_a_score_is_no_second_run(folder: Path, tmp_path: Path) -> None:
    score(folder, tmp_path / "r")
    assert not score(folder, tmp_path / "r", keep_logits=True)[0].stored
    assert score(folder, tmp_path / "r")[0].stored, "logits on top of it do no harm"
    score(folder, tmp_path / "r", fresh=True)
    assert not score(folder, tmp_path / "r", framing="squash")[0].stored
    assert score(folder, tmp_path / "r")[0].stored, "each framing has its file"
    edited = Fake()
    real = edited.logits
    edited.logits = lambda images: real(1 - images)  # type: ignore[method-assign]
    assert not score(folder, tmp_path / "r", edited)[0].stored, "same records, other code"
    assert score(folder, tmp_path / "r", edited)[0].stored
    make_class(folder, tmp_path / "aside", "koala", 5, count=8, seed=9000)
    assert not score(folder, tmp_path / "r", edited)[0].stored
    broken = next((tmp_path / "r").rglob("*.parquet"))
    broken.write_bytes(b"cut")
    assert not all(o.stored for o in score(folder, tmp_path / "r", edited, framing="squash"))


def test_metrics_of_a_model_whose_answers_are_known(folder: Path, tmp_path: Path) -> None:
    (outcome,) = score(folder, tmp_path / "r")
    result = outcome.result
    scores = {(s.slug, s.split): s for s in result.scores}
    koala, gondola = scores["koala", "si"], scores["gondola", "generated"]
    assert (koala.hits, koala.n, koala.wrong) == (8, 8, [])
    assert gondola.hits == 0
    assert [(w.name, w.label, w.pictures) for w in gondola.wrong] == [("class 5", 5, 6)]
    assert gondola.top5 is not None and gondola.top5.value == 1.0, "ties go to lower labels"
    assert koala.restricted is not None and koala.restricted.top1 == koala.top1
    rows = outcome.predictions.table.to_pylist()
    odds = [r["class_log_odds"] for r in rows if (r["slug"], r["split"]) == ("koala", "si")]
    mean = sum(1 / (1 + math.exp(-x)) for x in odds) / 8
    assert koala.mean_probability == pytest.approx(mean)
    assert result.means["si"].top1.value == 0.5 and result.macro["si"].value == 0.5
    assert result.means["val"].average_precision is None
    assert koala.average_precision is not None and scores["koala", "val"].roc_auc is None
    assert result.generated_minus_si is not None and result.generated_minus_si.value == 0
    assert result.environment["pillow"] and result.environment["dtype"] == "float32"


def test_selections_get_files_of_their_own(folder: Path, tmp_path: Path) -> None:
    score(folder, tmp_path / "r")
    part = open_source(folder, Selection(classes=["koala"], splits=["si"], limit=3))
    assert part.count == 3
    (outcome,) = evaluate_all([Fake()], part, tmp_path / "r", settings())
    assert [(s.slug, s.split, s.n) for s in outcome.result.scores] == [("koala", "si", 3)]
    assert outcome.result.data.selection == Selection(classes=["koala"], splits=["si"], limit=3)
    said = "only a part of the data was scored: classes koala; splits si; the first 3 of each class"
    assert said in str(score_table(outcome.result).caption)
    assert "only a part" not in str(score_table(score(folder, tmp_path / "r")[0].result).caption)
    wide = evaluate_all([small_network()], part, tmp_path / "r", Settings(choose("cpu", "float64")))
    assert len(list((tmp_path / "r").rglob("*.json"))) == 3
    assert wide[0].result.environment["dtype"] == "float64"


def test_unreadable_pictures_are_recorded_with_the_result(folder: Path, tmp_path: Path) -> None:
    source = open_source(folder)
    broken = list(source.pictures())
    at = next(i for i, p in enumerate(broken) if (p.slug, p.split) == ("koala", "si"))
    broken[at] = type(broken[at])(b"x", *list(vars(broken[at]).values())[1:])
    hurt = type(source)(
        source.where, source.record, source.classes, source.count, lambda: iter(broken)
    )
    with pytest.raises(UserError, match="koala/si/0 .* cannot be read"):
        evaluate_all([Fake()], hurt, tmp_path / "r", settings())
    assert not list(tmp_path.glob("r/**/*.json"))
    (outcome,) = evaluate_all([Fake()], hurt, tmp_path / "r", settings(skip_unreadable=True))
    assert outcome.path is not None
    (left_out,) = read_result(outcome.path).data.unreadable
    assert (left_out.slug, left_out.split, left_out.index) == ("koala", "si", 0)
    assert left_out.sha256 == broken[at].sha256
    assert {(s.slug, s.split): s.n for s in outcome.result.scores}["koala", "si"] == 7


def test_answers_that_are_not_one_a_picture_are_no_result(folder: Path, tmp_path: Path) -> None:
    whole = open_source(folder)
    pictures = list(whole.pictures())
    twice = [*pictures[:-1], pictures[0]]
    for drawn, said in [
        (twice, "42 answers for 42 pictures; gondola/generated/0 is there twice"),
        (pictures[1:], "41 answers for 42 pictures; check the data set"),
    ]:
        source = replace(whole, pictures=lambda drawn=drawn: iter(drawn))  # type: ignore[misc]
        with pytest.raises(UserError, match=said):
            evaluate_all([Fake()], source, tmp_path / "r", settings(fresh=True))
    assert not list(tmp_path.glob("r/**/*.json"))


def test_a_model_named_twice_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fake/5 is named twice"):
        score(folder, tmp_path / "r", Fake(), Fake())


def test_out_of_memory_is_told(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    hungry = Hungry(2)
    evaluate_all(
        [hungry], open_source(folder), tmp_path / "r", settings(batch_size=8), say=said.append
    )
    assert said == ["fake/5: out of memory, now 2 pictures a batch"]


def test_a_label_space_of_one_label_is_refused_before_the_run(folder: Path, tmp_path: Path) -> None:
    lone = Fake()
    lone.label_space = LabelSpace(
        "mine", "micro", tuple("abcdefghijkl"), (-1,) * 5 + (5,) + (-1,) * 6
    )
    koala = open_source(folder, Selection(classes=["koala"]))
    with pytest.raises(UserError, match="its label space mine means 1 of the domain's labels"):
        evaluate_all([lone], koala, tmp_path / "r", settings())
    assert lone.batches == []


def test_the_device_and_the_versions_recorded_are_those_that_were_used() -> None:
    gpu = Placement("cuda:0", "float32")
    assert placement_of(Fake(), gpu) == Placement("cpu", "float32")
    assert placement_of(small_network(), gpu) == gpu
    cpu = Placement("cpu", "float32")
    plain = environment(cpu, "fake/5")
    assert "scikit-learn" in plain and "torchvision" not in plain
    for loader, package in [("torchvision", "torchvision"), ("hf", "transformers")]:
        assert environment(cpu, f"{loader}/x")[package] == version(package)


def test_another_version_of_the_loaders_package_is_no_second_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(folder, tmp_path / "r")
    monkeypatch.setattr(plugins, "packages", lambda spec: {"theirs": "2.0"})
    (outcome,) = score(folder, tmp_path / "r")
    assert not outcome.stored and outcome.result.environment["theirs"] == "2.0"


def test_an_empty_split_and_an_empty_selection_are_errors(folder: Path) -> None:
    emptied(folder, "koala", "si")
    with pytest.raises(UserError, match="the split koala/si holds no pictures"):
        open_source(folder)
    assert open_source(folder, Selection(splits=["val"])).count == 14
    for selection, said in [
        (Selection(classes=["koalla"]), "unknown class of the data set 'koalla'; did you mean"),
        (Selection(splits=["sii"]), "unknown split of the data set 'sii'"),
        (Selection(classes=[]), "holds no pictures to score"),
    ]:
        with pytest.raises(UserError, match=said):
            open_source(folder, selection)
