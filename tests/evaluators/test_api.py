"""Scoring with classifiers whose answers are known."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from spurbench import plugins
from spurbench.contracts import Transform
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench.prediction import framed, predict
from spurbench.results import read_result
from spurbench.scores.stored import predictions_path
from spurbench_evaluators.api import score_one, score_pictures
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run.checks import check_source
from spurbench_evaluators.run.framing import reframe
from tests.conftest import make_class, picture
from tests.evaluators.fakes import Fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5)
    make_class(tmp_path / "data", tmp_path / "aside", "gondola", 3, count=4, seed=50)
    return tmp_path / "data"


def test_shares_intervals_and_files(folder: Path, tmp_path: Path) -> None:
    result = score_one(Fake(5), open_data_set(folder), tmp_path / "results", 2)
    tops = {(s.slug, s.split): (s.hits, s.n) for s in result.scores}
    assert tops["koala", "si"] == (3, 3) and tops["gondola", "generated"] == (0, 4)
    assert result.macro["si"].value == 0.5
    assert result.generated_minus_si is not None and result.generated_minus_si.value == 0
    path = result.path_under(tmp_path / "results")
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
        score_one(broken, data, tmp_path / "results", 4)
    headless = Fake()
    headless.logits = lambda images: torch.zeros(len(images), 7)  # type: ignore[method-assign]
    with pytest.raises(UserError, match=r"gives \(7,\) outputs"):
        score_one(headless, data, tmp_path / "results", 4)
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
