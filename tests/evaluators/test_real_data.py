"""Real Spurious ImageNet pictures and real classifiers, against predictions computed independently."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from spurbench import plugins
from spurbench.dataset.read import open_data_set
from spurbench_builders.importing import import_folder
from spurbench_evaluators.command import reframe, score_one
from spurbench_evaluators.scoring import score_pictures

MODELS = {
    "efficientnet_lite0": "timm/tf_efficientnet_lite0",
    "mobilenet_v2_100_qat": "python/tests.evaluators.real_models:mobilenet_v2",
    "mobilenet_v1_050_qat": "python/tests.evaluators.real_models:mobilenet_v1_050",
    "squeezenet1_1_caffe": "python/tests.evaluators.real_models:squeezenet",
}


@pytest.fixture
def tiles(real_data: Path, tmp_path: Path) -> Path:
    list(import_folder(real_data / "si_tiles", tmp_path / "si"))
    return tmp_path / "si"


def expected(real_data: Path, model: str) -> dict[str, int]:
    with (real_data / "si_tiles" / "predictions.csv").open(encoding="utf-8") as file:
        return {
            r["path"]: int(r["pred_index"]) for r in csv.DictReader(file) if r["model"] == model
        }


@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_independent_predictions(real_data: Path, tiles: Path, model: str) -> None:
    weights = real_data / "weights" / f"{model}.safetensors"
    classifier = plugins.classifier(MODELS[model], weights=weights)
    reframe(classifier, "squash")
    data = open_data_set(tiles)
    origins = [p.origin for p in data.pictures()]
    scored = score_pictures(classifier, data.pictures(), 64)
    known = expected(real_data, model)
    assert len(scored) == len(known) == 200
    hits = sum(s.predicted == s.label for s in scored)
    labels = {origin: s.label for origin, s in zip(origins, scored, strict=True)}
    known_hits = sum(known[origin] == labels[origin] for origin in origins)
    assert abs(hits - known_hits) <= 1, "within 0.5 points of 200 pictures"
    differing = sum(known[o] != s.predicted for o, s in zip(origins, scored, strict=True))
    if model == "efficientnet_lite0":
        assert hits == 82, "41.0 %"
        assert differing == 0, "picture by picture"
    assert differing <= 4


def test_result_of_the_real_tiles(real_data: Path, tiles: Path, tmp_path: Path) -> None:
    weights = real_data / "weights" / "efficientnet_lite0.safetensors"
    classifier = plugins.classifier(MODELS["efficientnet_lite0"], weights=weights)
    reframe(classifier, "squash")
    result = score_one(classifier, open_data_set(tiles), tmp_path / "results", 64, quiet=True)
    assert result.macro["si"].value == pytest.approx(0.41)
    assert result.model.weights_sha256.startswith("0ed09608f6e68bfb")
    assert result.path_under(tmp_path / "results").is_file()
