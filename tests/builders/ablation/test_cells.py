"""A cell of an ablation: what was found of its pictures, counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spurbench.pictures import png_bytes
from spurbench_builders.ablation.cells import Cell, _counts
from spurbench_builders.ablation.variants import Variant
from spurbench_builders.checks.audit import object_probabilities
from spurbench_builders.inputs.panel import as_lists, panel_predictions
from spurbench_builders.method.sampling import sample
from spurbench_builders.models.needed import Models
from spurbench_builders.steps.finished import load_json, save_json
from spurbench_builders.steps.train import trained_model
from tests.builders.made import LABEL, Referee, made_job, made_models, made_recipe, marked, panel
from tests.builders.tiny_pipeline import make_pipeline

NAMES = {"variant": "row", "class": "freight car", "seed": 4}
CONTEXTS = ("on the beach", "of flower")
SAMPLES, PRIORS = (20, 40, 10, 30, 70), (60, 50, 20)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return made_models(make_pipeline(tmp_path_factory.mktemp("base"), safety=False))


@pytest.fixture
def cell(models: Models, tmp_path: Path) -> Cell:
    """A cell whose pool, samples and priors have been judged; objects are found above 0.3."""
    recipe = made_recipe(prompt={"contexts": list(CONTEXTS)})
    job = made_job(tmp_path / "set", recipe)

    def said(*numbers: int) -> list[list[dict[str, Any]]]:
        return as_lists(panel_predictions(panel(), [marked(n) for n in numbers], LABEL))

    pool = {"chosen": [1], "predictions": said(10, 20, 30, 40, 50, 60)}
    save_json(job.folder("references") / "references.json", pool)
    objects = (0.2, 0.31, 0.9, 0.3, 0.1)
    findings = [{"object_probability": p, "degenerate": p < 0.25} for p in objects]
    audit = {"summary": "", "predictions": said(*SAMPLES), "findings": findings, "safety": None}
    save_json(job.folder("audit") / "audit.json", audit)
    for i, number in enumerate(PRIORS):
        path = job.folder("prior") / f"{i:05d}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png_bytes(marked(number)))
    return Cell(Variant("row", "a row", recipe), job, models)


def test_samples_are_counted_with_and_without_those_that_show_the_object(cell: Cell) -> None:
    """The members say 3 of 20, 40 and 10, and of 20, 40 and 30; 40 and 10 show the object."""
    assert cell.counts() == {
        **NAMES,
        "n": 5,
        "hits": [3, 3],
        "clean_hits": [1, 2],
        "consistent": 2,
        "clean_consistent": 1,
        "object_found": 2,
        "degenerate": 2,
    }


def test_the_pool_is_counted_whole(cell: Cell) -> None:
    found = cell.pool_counts()
    assert found == {
        "class": "freight car",
        "n": 6,
        "hits": [4, 5],
        "clean_hits": [4, 5],
        "consistent": 3,
        "clean_consistent": 3,
        "object_found": 0,
    }


def test_the_base_models_pictures_are_the_priors(cell: Cell) -> None:
    """The referee gives 0.27, 0.34 and 0.58 for pictures 60, 50 and 20."""
    counts = {"n": 3, "hits": [2, 3], "clean_hits": [1, 1], "consistent": 2}
    counts |= {"clean_consistent": 1, "object_found": 2}
    assert cell.prior_counts() == {**NAMES, "variant": "base", **counts}
    alone = replace(cell, models=made_models(cell.models.base_folder))
    vars(alone.models).update(referee=None)
    assert alone.prior_counts()["object_found"] == 0


def test_a_recontextualised_prompt_is_the_instances_with_its_words(
    cell: Cell, models: Models
) -> None:
    """Of the trained model, the first seeds of the build; both prompts, counted one by one."""
    from safetensors.torch import save_file

    from spurbench_builders.method.checkpoint import trained_state

    base = models.base()
    weights = {name: (t * 1.05).contiguous() for name, t in trained_state(base).items()}
    (cell.job.root / "train").mkdir()
    save_file(weights, cell.job.root / "train" / "weights.safetensors")
    expected = []
    for i, words in enumerate(CONTEXTS):
        folder = cell.job.folder(f"context-{i}-3")
        folder.mkdir()
        (event,) = cell._context(folder, words, 3)
        assert (event.step, event.done, event.total) == (f"prompt '... {words}'", 3, 3)
        prompt = f"a photo of a sks leaves {words}"
        model = trained_model(cell.job, models)
        seeds = [4_000_000, 4_000_001, 4_000_002]
        images = [p for b in sample(model, prompt, seeds, cell.job.recipe.sampling) for p in b]
        found = load_json(folder / "context.json")
        predictions = panel_predictions(panel(), images, LABEL)
        objects = object_probabilities(images, Referee(), "freight car")
        assert found == {
            "prompt": prompt,
            "predictions": as_lists(predictions),
            "objects": objects,
        }
        shown = {p.name: p.read_bytes() for p in folder.glob("*.png")}
        assert shown == {f"{k}.png": png_bytes(image) for k, image in enumerate(images)}
        counted = _counts(predictions, objects, 0.3, LABEL)
        expected.append({**NAMES, "context": words, **counted})
    assert cell.context_counts(3) == expected and cell.context_counts(0) == []
