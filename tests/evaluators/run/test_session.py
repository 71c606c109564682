"""A whole eval: stored answers, runs that go on after kill -9, what is recorded and what is refused."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from spurbench import plugins
from spurbench.contracts import LabelSpace
from spurbench.dataset.manifest import ClassEntry, read_manifest, write_manifest
from spurbench.dataset.read import open_data_set
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from spurbench.results import Selection, read_result
from spurbench.scores.comparison import compare
from spurbench.scores.predictions import METADATA, read_predictions
from spurbench.scores.stored import Outcome, install
from spurbench.scores.summary import result_of
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.report.tables import score_table
from spurbench_evaluators.run import work
from spurbench_evaluators.run.job import Job, job_of
from spurbench_evaluators.run.placement import Placement, choose, placement_of
from spurbench_evaluators.run.records import environment
from spurbench_evaluators.run.runner import Chunk
from spurbench_evaluators.run.session import evaluate_all
from spurbench_evaluators.run.settings import Settings
from tests.conftest import ROOT, make_class, picture
from tests.evaluators.fakes import Fake, Hungry, small_network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5, count=8)
    make_class(tmp_path / "data", tmp_path / "aside", "gondola", 3, count=6, seed=500)
    return tmp_path / "data"


def settings(**changes: object) -> Settings:
    return Settings(choose("cpu"), **({"batch_size": 4, "workers": 2} | changes))  # type: ignore[arg-type]


def score(folder: Path, results: Path, *models: Fake, **changes: object) -> list[Outcome]:
    return evaluate_all(models or [Fake()], open_source(folder), results, settings(**changes))


def files(results: Path) -> dict[str, bytes]:
    return {
        p.relative_to(results).as_posix(): p.read_bytes() for p in results.rglob("*") if p.is_file()
    }


def test_a_second_run_answers_from_the_file(folder: Path, tmp_path: Path) -> None:
    (first,) = score(folder, tmp_path / "r")
    before = files(tmp_path / "r")
    again = Fake()
    (second,) = score(folder, tmp_path / "r", again)
    assert (first.stored, second.stored) == (False, True)
    assert second.result == first.result and files(tmp_path / "r") == before
    assert again.batches == [1], "the probe alone"
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


def test_the_predictions_file_alone_gives_the_result(folder: Path, tmp_path: Path) -> None:
    (outcome,) = evaluate_all([small_network()], open_source(folder), tmp_path / "r", settings())
    moved = tmp_path / "elsewhere.parquet"
    assert outcome.path is not None and outcome.predictions_path is not None
    moved.write_bytes(outcome.predictions_path.read_bytes())
    assert result_of(read_predictions(moved)) == outcome.result == read_result(outcome.path)
    rows = pq.read_table(moved).to_pylist()
    stored = {p.sha256 for p in open_data_set(folder).pictures()}
    assert {row["sha256"] for row in rows} == stored
    assert all(len(row["top_outputs"]) == 5 and row["logits"] is None for row in rows)


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
    mean = (
        sum(r["class_probability"] for r in rows if (r["slug"], r["split"]) == ("koala", "si")) / 8
    )
    assert koala.mean_probability == pytest.approx(mean)
    assert result.means["si"].top1.value == 0.5 and result.macro["si"].value == 0.5
    assert result.means["val"].average_precision is None
    assert koala.average_precision is not None and scores["koala", "val"].roc_auc is None
    assert result.generated_minus_si is not None and result.generated_minus_si.value == 0
    assert result.environment["pillow"] and result.environment["dtype"] == "float32"


def test_logits_are_kept_on_request(folder: Path, tmp_path: Path) -> None:
    (outcome,) = score(folder, tmp_path / "r", keep_logits=True)
    (row, *_) = outcome.predictions.table.to_pylist()
    assert len(row["logits"]) == 12 and row["logits"][5] == pytest.approx(1.5, abs=0.2)


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
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(f"r/{work.FOLDER}/*/*.parquet")):
        assert killed.poll() is None and time.monotonic() < deadline
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
        timeout=60,
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


def test_a_predictions_file_cannot_write_elsewhere(folder: Path, tmp_path: Path) -> None:
    (outcome,) = score(folder, tmp_path / "r")
    table = pq.read_table(outcome.predictions_path)
    said = table.schema.metadata[METADATA].replace(b'"domain": "micro"', b'"domain": "../../esc"')
    hostile = tmp_path / "hostile.parquet"
    pq.write_table(table.replace_schema_metadata({METADATA: said}), hostile)
    with pytest.raises(UserError, match="not a predictions file"):
        install(hostile.read_bytes(), tmp_path / "deep" / "er" / "results")
    with pytest.raises(UserError, match=r"hostile\.parquet: not a predictions file"):
        read_predictions(hostile)
    assert not list(tmp_path.rglob("*esc*"))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("class_log_odds", float("inf"), "class_log_odds has infinite numbers"),
        ("class_probability", None, "class_probability has gaps"),
        ("top_labels", None, "top_labels has gaps"),
        ("restricted_top_probabilities", [float("nan")], "probabilities has infinite numbers"),
        ("top_outputs", [None], "top_outputs has gaps"),
        ("slug", None, "slug has gaps"),
    ],
)
def test_a_tampered_predictions_file_is_one_line(
    folder: Path, tmp_path: Path, column: str, value: object, said: str
) -> None:
    (outcome,) = score(folder, tmp_path / "r")
    table = pq.read_table(outcome.predictions_path)
    at, kind = table.column_names.index(column), table.schema.field(column)
    values = [value, *table[column].to_pylist()[1:]]
    changed = table.set_column(at, kind, pa.array(values, kind.type))
    pq.write_table(changed, tmp_path / "t.parquet")
    with pytest.raises(UserError, match=rf"t\.parquet: not a predictions file .*{said}"):
        read_predictions(tmp_path / "t.parquet")


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
    manifest = read_manifest(folder)
    entry = manifest.classes["koala"]
    none = entry.splits["si"].model_copy(update={"pictures": 0})
    emptied = entry.model_copy(update={"splits": entry.splits | {"si": none}})
    classes = manifest.classes | {"koala": emptied}
    write_manifest(folder, manifest.model_copy(update={"classes": classes}))
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


def test_models_are_compared_on_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    five, three = score(folder, tmp_path / "r", Fake(5), Fake(3))
    found = compare([five.predictions, three.predictions])
    si = next(c for c in found.consistency if c.split == "si")
    assert si.pictures == 14 and si.fooled_by_all.value == 0
    assert si.fleiss_kappa == pytest.approx(-1), "two raters who always differ"
    difference = next(d for d in found.differences if d.split == "si")
    assert (difference.first, difference.second) == ("fake/5", "fake/3")
    assert difference.difference.value == 0, "one class each"
    assert difference.p_value == 1
    part = open_source(folder, Selection(limit=2))
    (other,) = evaluate_all([Fake(3)], part, tmp_path / "r", settings())
    with pytest.raises(UserError, match="were not scored on the same pictures"):
        compare([five.predictions, other.predictions])
    with pytest.raises(UserError, match="two models or more"):
        compare([five.predictions])


@pytest.mark.parametrize("data", [b"", b"PAR1", b"hello"])
def test_what_is_no_predictions_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(UserError, match="no such predictions file"):
        read_predictions(path)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"p\.parquet: not a predictions file"):
        read_predictions(path)


def test_another_parquet_file_is_no_predictions_file(folder: Path) -> None:
    file = next(folder.rglob("*.parquet"))
    with pytest.raises(UserError, match="not a predictions file"):
        read_predictions(file)


def test_json_round_trip(folder: Path, tmp_path: Path) -> None:
    (outcome,) = score(folder, tmp_path / "r")
    assert outcome.path is not None
    text = json.loads(outcome.path.read_text(encoding="utf-8"))
    assert text == outcome.result.model_dump()
    assert text["schema_version"] == 2 and "macro" not in text
