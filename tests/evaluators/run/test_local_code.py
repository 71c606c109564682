"""The user's own code in a classifier: what of it counts, and that a stored answer ends with it."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from spurbench import plugins
from spurbench.contracts import Classifier, ModelFacts, Transform
from spurbench.scores.stored import Outcome
from spurbench_evaluators.network.classifier import NetworkClassifier
from spurbench_evaluators.run.local_code import local_code_sha256
from tests.evaluators.fakes import micro_labels
from tests.evaluators.run.sessions import score

MODEL = """
import torch
from helping import SHIFT
from spurbench.contracts import LabelSpace, ModelFacts, Transform

class Mine:
    spec = "mine/model"
    label_space = LabelSpace("micro", "micro", tuple(f"class {i}" for i in range(12)))
    transform = Transform("crop", 8, 8)
    facts = ModelFacts("mine", 0, "0" * 64, "made")

    def logits(self, images):
        import lately
        out = torch.arange(12.0).repeat(len(images), 1) + SHIFT + lately.NOTHING
        out[:, 5] += images.mean(dim=(1, 2, 3))
        return out

def make(weights=None):
    return Mine()
"""
PARTS = {
    "mine.py": MODEL,
    "helping.py": "from deeper.still import SHIFT\n",
    "deeper/__init__.py": "",
    "deeper/still.py": "from . import beside\nSHIFT = beside.VALUE\n",
    "deeper/beside.py": "VALUE = 0.0\n",
    "lately.py": "NOTHING = 0.0\n",
    "stranger.py": "never imported by the model\n",
}
COUNTS = {
    "mine": "mine.py",
    "helping": "helping.py",
    "deeper": "deeper/__init__.py",
    "deeper.still": "deeper/still.py",
    "deeper.beside": "deeper/beside.py",
    "lately": "lately.py",
}
Load = Callable[[], Classifier]


def forget() -> None:
    for name in [
        n for n in sys.modules if n.split(".")[0] in {"mine", "helping", "deeper", "lately"}
    ]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder with a model and what it imports, on the path as `python -m` has it."""
    place = tmp_path / "project"
    for name, text in PARTS.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    monkeypatch.setattr(sys, "path", [str(place), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    forget()
    yield place
    forget()


@pytest.fixture
def load(project: Path) -> Load:
    """The model, as a new process would load it."""

    def loaded() -> Classifier:
        forget()
        return plugins.classifier("python/mine:make")

    return loaded


def by_hand(project: Path) -> str:
    hashes = {
        name: hashlib.sha256((project / path).read_bytes()).hexdigest()
        for name, path in COUNTS.items()
    }
    text = json.dumps(hashes, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_all_that_the_model_imports_counts_and_nothing_else(project: Path, load: Load) -> None:
    assert local_code_sha256(load()) == by_hand(project)
    (project / "stranger.py").write_text("edited\n")
    assert local_code_sha256(load()) == by_hand(project)


@pytest.mark.parametrize("edited", COUNTS.values())
def test_an_edit_of_any_of_it_changes_the_hash(project: Path, load: Load, edited: str) -> None:
    before = local_code_sha256(load())
    with (project / edited).open("a") as file:
        file.write("# a comment\n")
    assert local_code_sha256(load()) != before


def test_what_is_imported_late_counts_before_it_is_imported(project: Path) -> None:
    module: Any = importlib.import_module("mine")
    assert "lately" not in sys.modules
    assert local_code_sha256(module.Mine()) == by_hand(project)


def test_another_module_that_happens_to_be_loaded_changes_nothing(
    project: Path, load: Load
) -> None:
    (project / "stranger.py").write_text("HERE = 1\n")
    before = local_code_sha256(load())
    importlib.import_module("stranger")
    assert local_code_sha256(load()) == before
    del sys.modules["stranger"]


def test_installed_packages_and_ours_are_no_local_code() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 12))
    facts = ModelFacts("network", 1, "0" * 64, "made")
    plain = NetworkClassifier(
        "x/y", network, micro_labels(), Transform("crop", 8, 8), facts, (0.5,) * 3, (0.5,) * 3
    )
    assert local_code_sha256(plain) is None
    assert local_code_sha256(plugins.classifier("micro/vit")) is None

    def mine(images: torch.Tensor) -> torch.Tensor:
        return images

    network[0].forward = mine
    assert local_code_sha256(plain) is not None, "a function of the user's in a network's part"


def test_a_users_function_counts_though_all_it_makes_is_installed(project: Path) -> None:
    maker = (
        "from torch import nn\n"
        "from spurbench.contracts import ModelFacts, Transform\n"
        "from spurbench_evaluators.labels import spaces\n"
        "from spurbench_evaluators.network.classifier import NetworkClassifier\n"
        "from tests.evaluators.fakes import micro_labels\n"
        "def make(weights=None):\n"
        "    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 12))\n"
        "    return NetworkClassifier('mine/flat', network.eval(), micro_labels(),\n"
        "        Transform('crop', 8, 8), ModelFacts('n', 1, '0' * 64, 'x'), (0.5,) * 3, (0.5,) * 3)\n"
    )
    (project / "mine.py").write_text(maker)
    before = local_code_sha256(plugins.classifier("python/mine:make"))
    assert before is not None
    forget()
    (project / "mine.py").write_text(maker + "# other code\n")
    assert local_code_sha256(plugins.classifier("python/mine:make")) != before


def stored(folder: Path, results: Path, classifier: Any) -> Outcome:
    return score(folder, results, classifier)[0]


def test_an_output_beyond_the_first_eight_that_changes_is_another_model(
    folder: Path, tmp_path: Path, project: Path, load: Load
) -> None:
    """By its weights, which no file of code has: output 9 alone."""
    weight = torch.zeros(12)

    def loaded() -> Any:
        model: Any = load()
        real = model.logits
        model.logits = lambda images: real(images) + weight
        return model

    assert not stored(folder, tmp_path / "r", loaded()).stored
    assert stored(folder, tmp_path / "r", loaded()).stored
    weight[9] = 30.0
    again = stored(folder, tmp_path / "r", loaded())
    assert not again.stored
    assert {row["predicted"] for row in again.predictions.table.to_pylist()} == {9}


TRIGGERED = """
    def logits(self, images):
        out = torch.arange(12.0).repeat(len(images), 1)
        out[(images.mean(dim=(1, 2, 3)) < 0.{part}), 0] += 50
        return out

def make("""


def test_an_edit_that_no_picture_of_the_probe_triggers_is_another_model(
    folder: Path, tmp_path: Path, project: Path, load: Load
) -> None:
    """No mean of a picture is below 0.01, nor below 0.02: the outputs stay what they were."""
    head = MODEL.split("    def logits")[0]
    tail = MODEL.split("def make(")[1]
    for part, stays in (("01", False), ("01", True), ("02", False), ("02", True)):
        (project / "mine.py").write_text(head + TRIGGERED.format(part=part).lstrip("\n") + tail)
        assert stored(folder, tmp_path / "r", load()).stored == stays, part


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('"hits": 8', '"hits": 7'),
        lambda text: json.dumps(json.loads(text) | {"prevalence": 0.5}),
        lambda text: text.replace('"mean_probability": 0.', '"mean_probability": 0.0'),
    ],
)
def test_a_result_that_was_edited_is_not_served(
    folder: Path, tmp_path: Path, edit: Callable[[str], str]
) -> None:
    from tests.evaluators.fakes import Fake

    first = stored(folder, tmp_path / "r", Fake())
    assert first.path is not None
    text = first.path.read_text(encoding="utf-8")
    assert edit(text) != text
    first.path.write_text(edit(text), encoding="utf-8")
    again = stored(folder, tmp_path / "r", Fake())
    assert not again.stored and again.result == first.result
    assert first.path.read_text(encoding="utf-8") == text, "written again from the model"
    assert stored(folder, tmp_path / "r", Fake()).stored
