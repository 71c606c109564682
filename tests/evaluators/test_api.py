"""Scoring from Python: specs, and classifiers whose answers are known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from spurbench import plugins
from spurbench.contracts import Normalisation, Transform
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench.prediction import framed, predict
from spurbench.results import read_result
from spurbench.scores.stored import predictions_path
from spurbench_evaluators.api import evaluate, evaluate_models, score_pictures
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run.checks import check_source
from spurbench_evaluators.run.framing import reframe
from tests.conftest import make_class, picture
from tests.evaluators.fakes import Fake, small_network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5)
    make_class(tmp_path / "data", tmp_path / "aside", "gondola", 3, count=4, seed=50)
    return tmp_path / "data"


def test_shares_intervals_and_files(folder: Path, tmp_path: Path) -> None:
    outcome = evaluate(Fake(5), open_data_set(folder), results=tmp_path / "results", batch_size=2)
    result = outcome.result
    tops = {(s.slug, s.split): (s.hits, s.n) for s in result.scores}
    assert tops["koala", "si"] == (3, 3) and tops["gondola", "generated"] == (0, 4)
    assert result.macro["si"].value == 0.5
    assert result.generated_minus_si is not None and result.generated_minus_si.value == 0
    path = result.path_under(tmp_path / "results")
    assert outcome.path == path and not outcome.stored
    assert read_result(path) == result
    predictions = predictions_path(path, result)
    assert sha256_file(predictions) == result.predictions_sha256
    assert pq.read_table(predictions).num_rows == 21


def test_scores_do_not_depend_on_batch_size(folder: Path) -> None:
    data = open_data_set(folder)
    first, *others = [score_pictures(Fake(5), data.pictures(), n) for n in (1, 4, 64)]
    for other in others:
        assert [s.predicted for s in first] == [s.predicted for s in other]
        assert [s.class_probability for s in first] == pytest.approx(
            [s.class_probability for s in other], abs=1e-6
        )


def test_wrong_domain_bad_head_and_nan_are_errors_without_a_result(
    folder: Path, tmp_path: Path
) -> None:
    data = open_data_set(folder)
    with pytest.raises(UserError, match="knows the labels of 'imagenet'"):
        check_source(Fake(domain="imagenet"), open_source(folder))
    broken = Fake()
    broken.fill = float("nan")
    with pytest.raises(UserError, match="NaN or infinite"):
        evaluate(broken, data, results=tmp_path / "results", batch_size=4)
    headless = Fake()
    headless.logits = lambda images: torch.zeros(len(images), 7)  # type: ignore[method-assign]
    with pytest.raises(UserError, match=r"gives \(7,\) outputs"):
        evaluate(headless, data, results=tmp_path / "results", batch_size=4)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("size", [(100, 60), (60, 100), (64, 64), (10, 300)])
def test_framings_give_the_sizes_of_torchvision(size: tuple[int, int]) -> None:
    from torchvision.transforms import v2

    image = picture(1, size)
    squash = framed(image, Transform("squash", 32, 32))
    assert squash.size == (32, 32)
    bicubic = v2.InterpolationMode.BICUBIC
    shortest = framed(image, Transform("shortest", 32, 32))
    assert shortest.tobytes() == v2.Resize(32, bicubic)(image).tobytes()
    crop = v2.Compose([v2.Resize(36, bicubic), v2.CenterCrop(32)])(image)
    assert framed(image, Transform("crop", 32, 36)).tobytes() == crop.tobytes()


def test_pictures_of_different_sizes_are_scored_in_order() -> None:
    fake = Fake()
    reframe(fake, "si")
    images = [Image.new("RGB", (8 + 4 * (i % 3), 8), (40 * i, 0, 0)) for i in range(5)]
    together = [p.probability for p in predict(fake, images, 5)]
    alone = [next(predict(fake, [i])).probability for i in images]
    assert together == pytest.approx(alone)


def test_unknown_framings_and_endless_pictures() -> None:
    with pytest.raises(ValueError, match="not a framing"):
        Transform("sideways", 32, 32)
    with pytest.raises(UserError, match="too long to scale"):
        framed(Image.new("RGB", (2, 2000)), Transform("shortest", 32, 32))


def test_a_label_beyond_the_head_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match="has 4 labels, none for koala"):
        check_source(Fake(0, outputs=4), open_source(folder))


def test_the_referee_is_no_classifier(folder: Path) -> None:
    with pytest.raises(UserError, match="knows the labels of 'micro-contents'"):
        check_source(plugins.classifier("micro/referee"), open_source(folder))


def test_weights_are_for_one_model_and_results_for_a_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--weights is for one model"):
        evaluate_models(["micro/vit", "micro/robust"], folder, weights="w.pt")
    (tmp_path / "r").touch()
    with pytest.raises(UserError, match="r: is a file; name a folder with --results"):
        evaluate(Fake(), folder, results=tmp_path / "r")


def test_several_models_share_one_pass_and_are_returned_in_order(
    folder: Path, tmp_path: Path
) -> None:
    steps: list[int] = []
    said: list[str] = []

    def watch(numbers: Iterable[int], total: int | None) -> Iterable[int]:
        assert total == 6
        for number in numbers:
            steps.append(number)
            yield number

    fake = Fake(5)
    outcomes = evaluate_models(
        ["micro/vit", fake],
        folder,
        classes="koala, gondola",
        splits=["si"],
        limit=3,
        results=str(tmp_path / "r"),
        device="cpu",
        batch_size=4,
        workers=1,
        watch=watch,
        say=said.append,
    )
    assert [o.result.model.spec for o in outcomes] == ["micro/vit", "fake/5"]
    assert steps == [0, 4, 6]
    assert said == ["cpu, float32, 4 pictures a batch, 1 reading threads"]
    assert {(s.slug, s.split, s.n) for o in outcomes for s in o.result.scores} == {
        ("koala", "si", 3),
        ("gondola", "si", 3),
    }
    assert all(o.path is not None and read_result(o.path) == o.result for o in outcomes)
    with pytest.raises(UserError, match="fake/5 is named twice"):
        evaluate_models([Fake(), Fake()], folder, results=tmp_path / "r")


def test_without_a_results_folder_nothing_stays(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    outcome = evaluate(Fake(), "data", results=None)
    assert (outcome.path, outcome.predictions_path, outcome.stored) == (None, None, False)
    assert outcome.predictions.table.num_rows == 21
    assert sorted(tmp_path.rglob("*")) == before
    kept = evaluate(Fake(), "data")
    assert kept.path is not None and kept.path.is_relative_to("results")
    assert kept.result == outcome.result


def test_a_classifier_is_tested_before_it_is_scored(folder: Path) -> None:
    twice = small_network()
    twice.normalisation = Normalisation((0.1,) * 3, (0.9,) * 3)
    with pytest.raises(UserError, match="fake/network0: its first layer is fed"):
        evaluate(twice, folder, results=None)
    again = small_network()
    evaluate(again, folder, results=None, dtype="float64")
    evaluate(again, folder, results=None)


def test_importing_the_api_imports_no_torch() -> None:
    code = "import sys, spurbench_evaluators.api; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_core_finds_the_api_by_its_entry_points() -> None:
    points = {point.name: point for point in entry_points(group="spurbench.api")}
    assert points["evaluate"].load() is evaluate
    assert points["evaluate_models"].load() is evaluate_models
