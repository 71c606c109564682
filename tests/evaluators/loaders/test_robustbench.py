"""RobustBench's ImageNet models: found without its dependencies, loaded strictly, measured."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import pytest
import torch
from torchvision.models import resnet18

from spurbench import plugins
from spurbench.contracts import Normalisation
from spurbench.errors import UserError
from spurbench.selftest import check_classifier
from spurbench_evaluators.loaders import robustbench as robustbench_models
from spurbench_evaluators.network.classifier import NetworkClassifier

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALL = "robustbench/Salman2020Do_R18:Linf"


def checkpoint(spec: str, path: Path) -> Path:
    """A checkpoint with random weights, as RobustBench's models save themselves."""
    full, entry = robustbench_models._entry(spec.removeprefix("robustbench/"))
    torch.manual_seed(0)
    state = robustbench_models._build(full, entry).state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    return path


def test_without_the_package_there_is_an_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "robustbench"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "robustbench", None)
    with pytest.raises(UserError, match=r"pip install --no-deps robustbench==1\.1\.1$"):
        plugins.classifier(SMALL)


@pytest.mark.robustbench
def test_nothing_that_stood_in_stays_behind() -> None:
    plugins.card(SMALL)
    assert not [m for m in ("autoattack", "gdown") if m in sys.modules and not find_spec(m)]


@pytest.mark.robustbench
def test_a_checkpoint_of_robustbench_is_measured_and_recorded(tmp_path: Path) -> None:
    path = checkpoint(SMALL, tmp_path / "w.pt")
    classifier = cast(NetworkClassifier, plugins.classifier(SMALL.partition(":")[0], weights=path))
    assert classifier.spec == SMALL
    inside = classifier.facts.options["normalisation inside"]
    assert inside["mean"] == pytest.approx(MEAN) and inside["std"] == pytest.approx(STD)
    weight, bias = classifier.head
    images = torch.rand(1, 3, 64, 64)
    features = classifier.features(images)
    torch.testing.assert_close(features @ weight.T + bias, classifier.logits(images))


@pytest.mark.robustbench
def test_wrapping_such_a_network_again_is_found(tmp_path: Path) -> None:
    inner = cast(
        NetworkClassifier, plugins.classifier(SMALL, weights=checkpoint(SMALL, tmp_path / "w.pt"))
    )
    again = NetworkClassifier(
        "made/again", inner.network, inner.label_space, inner.transform, inner.facts, MEAN, STD
    )
    with pytest.raises(UserError, match="normalised twice"):
        check_classifier(again)


@pytest.mark.robustbench
def test_bare_state_dicts_fit_and_foreign_ones_are_listed(tmp_path: Path) -> None:
    torch.save(resnet18().state_dict(), tmp_path / "bare.pt")
    plugins.classifier(SMALL, weights=tmp_path / "bare.pt")
    with pytest.raises(UserError, match="does not fit the architecture: .* missing"):
        plugins.classifier("robustbench/Salman2020Do_R50:Linf", weights=tmp_path / "bare.pt")


@pytest.mark.robustbench
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (SMALL, r"checkpoints are not fetched; download this one \(Google Drive \S+\)"),
        ("robustbench/Standard_R50:Linf", "is torchvision/resnet50:IMAGENET1K_V1; name that"),
        ("robustbench/Standard_R50", "say which: Standard_R50:Linf or Standard_R50:corruptions"),
        ("robustbench/Salman2020Do_R81", "did you mean 'Salman2020Do_R18:Linf'"),
        ("robustbench/Salman2020Do_R18:L2", "did you mean 'Salman2020Do_R18:Linf'"),
    ],
)
def test_what_cannot_be_loaded_says_the_way_out(spec: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        plugins.classifier(spec)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.cuda.amp.autocast:FutureWarning")  # MixedNUTS runs it
@pytest.mark.robustbench
def test_every_model_builds_runs_and_normalises_as_its_authors_meant(tmp_path: Path) -> None:
    imagenet, raw = Normalisation(MEAN, STD), Normalisation((0.0,) * 3, (1.0,) * 3)
    ran = 0
    for spec in plugins.model_names("robustbench"):
        if "Standard_R50" in spec:
            continue
        classifier = plugins.classifier(spec, weights=checkpoint(spec, tmp_path / "w.pt"))
        inside = classifier.facts.options["normalisation inside"]
        values = (*inside["mean"], *inside["std"])
        known = [pytest.approx((*n.mean, *n.std), abs=1e-4) for n in (imagenet, raw)]
        assert values in known, spec
        ran += 1
    assert ran == 40
