"""What select and audit find of every picture, and how it comes back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from transformers import CLIPImageProcessor

from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.checks.safety import safety_verdicts
from spurbench_builders.inputs.panel import from_lists, panel_predictions
from spurbench_builders.models.needed import Models
from spurbench_builders.steps.finished import load_json, save_json
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.judge import Judged, judge, judged
from spurbench_builders.steps.select import (
    references,
    selected,
    training_images,
    training_references,
)
from spurbench_builders.team import Team
from tests.builders.made import LABEL, made_job, made_models, made_recipe, marked, panel
from tests.builders.tiny_pipeline import make_pipeline

POOL, SAMPLES = (10, 20, 30, 40, 50, 60), (30, 20, 61, 10)
SPURIOUS = [1, 3, 5]  # places of 20, 40 and 60, which fool both networks
SUMMARY = "made/one 4/6, made/two 5/6; all 3/6"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """With a safety checker that flags the second sample alone."""
    folder = make_pipeline(tmp_path_factory.mktemp("base"))
    checker = StableDiffusionSafetyChecker.from_pretrained(folder / "safety_checker").eval()
    extractor = CLIPImageProcessor.from_pretrained(folder / "feature_extractor")
    with torch.inference_mode():
        seen = extractor([marked(n) for n in SAMPLES], return_tensors="pt").pixel_values
        states = checker.visual_projection(checker.vision_model(seen)[1])
    checker.concept_embeds.data[0] = states[1] - states[[0, 2, 3]].mean(dim=0)
    concept = checker.concept_embeds.detach()[:1]
    ordered = torch.nn.functional.cosine_similarity(states, concept).sort().values
    checker.concept_embeds_weights.data[:] = 2.0
    checker.special_care_embeds_weights.data[:] = 2.0
    checker.concept_embeds_weights.data[0] = float(ordered[-2] + ordered[-1]) / 2
    checker.save_pretrained(folder / "safety_checker")
    return made_models(folder)


def chosen(job: Job, models: Models) -> dict[str, object]:
    folder = job.folder("references")
    folder.mkdir(parents=True)
    events = list(references(job, models, Team(), folder))
    assert [(e.class_name, e.step, e.done, e.total, e.note) for e in events] == [
        ("freight car", "references", 0, 6, ""),
        ("freight car", "references", 6, 6, SUMMARY),
    ]
    found: dict[str, object] = load_json(folder / "references.json")
    return found


def test_references_are_drawn_by_seed_from_those_that_fool_all(
    models: Models, tmp_path: Path
) -> None:
    """As numpy draws them, by the build's seed and the recipe's count; the whole pool is judged."""
    drawn = set()
    for seed in range(6):
        job = made_job(tmp_path / f"{seed}", seed=seed)
        found = chosen(job, models)
        picks = np.random.default_rng(seed).choice(SPURIOUS, size=2, replace=False)
        assert found["chosen"] == sorted(picks.tolist())
        drawn.add(tuple(picks))
        assert found["summary"] == SUMMARY
        assert set(found) == {"chosen", "summary", "predictions"}
        assert selected(job).predictions == panel_predictions(
            panel(), [marked(n) for n in POOL], LABEL
        )
    assert len(drawn) > 1


def test_stratified_references_are_drawn_by_psi_of_the_robust_network(
    models: Models, tmp_path: Path
) -> None:
    """Of the three that fool both, psi_k (Eq. 4) says which two are alike: one of these is drawn, and the
    third always. Computed here from the pictures' corners, as the made network sees them."""
    robust = models.robust
    row = robust.head[0][list(robust.label_space.labels or ()).index(LABEL)]
    squares = [marked(POOL[i]).resize((8, 8), Image.Resampling.BICUBIC) for i in SPURIOUS]
    pixels = np.stack([np.asarray(s, dtype=np.float32) / 255 for s in squares])  # (3, 8, 8, 3)
    corners = pixels.reshape(3, 2, 4, 2, 4, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    psi = corners.reshape(3, 12) * np.linspace(0.5, 2, 12) * row.numpy()
    gaps = {(a, b): float(np.linalg.norm(psi[a] - psi[b])) for a, b in ((0, 1), (0, 2), (1, 2))}
    alike = min(gaps, key=lambda pair: gaps[pair])
    (alone,) = {0, 1, 2} - set(alike)
    recipe = made_recipe(references={"choice": "stratified"})
    found = {
        tuple(selected_of(made_job(tmp_path / f"{seed}", recipe, seed=seed), models))
        for seed in range(8)
    }
    assert found == {tuple(sorted((SPURIOUS[alone], SPURIOUS[i]))) for i in alike}


def test_the_chosen_are_places_in_the_pool(models: Models, tmp_path: Path) -> None:
    job = made_job(tmp_path / "set")
    found = chosen(job, models)
    places = found["chosen"]
    assert isinstance(places, list) and selected(job).chosen == places
    numbers = [POOL[i] for i in places]
    assert [p.origin for p in training_references(job)] == [f"picture {n}" for n in numbers]
    assert [i.tobytes() for i in training_images(job)] == [marked(n).tobytes() for n in numbers]


def test_own_pictures_are_all_taken_and_judged_all_the_same(models: Models, tmp_path: Path) -> None:
    own = made_job(tmp_path / "set", own_references=tmp_path)
    assert chosen(own, models)["chosen"] == [0, 1, 2, 3, 4, 5]
    filtered = made_job(tmp_path / "filtered", own_references=tmp_path, filter_own=True)
    assert set(map(int, selected_of(filtered, models))) <= set(SPURIOUS)


def selected_of(job: Job, models: Models) -> list[int]:
    chosen(job, models)
    return selected(job).chosen


def test_too_few_are_refused_by_the_classs_name(models: Models, tmp_path: Path) -> None:
    job = made_job(tmp_path / "set", made_recipe(references={"count": 4}))
    (tmp_path / "made").mkdir()
    with pytest.raises(UserError) as caught:
        list(references(job, models, Team(), tmp_path / "made"))
    said = "freight car: only 3 of 6 references fool the whole panel, 4 are needed "
    assert str(caught.value).startswith(f"{said}({SUMMARY});")
    assert list((tmp_path / "made").iterdir()) == []


@pytest.fixture(scope="module")
def job(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job whose samples have been judged; trained on pictures 40 and 20, in that order."""
    job = made_job(tmp_path_factory.mktemp("job") / "set")
    save_json(job.folder("references") / "references.json", {"chosen": [3, 1], "predictions": []})
    job.folder("sample").mkdir(parents=True)
    for i, number in enumerate(SAMPLES):
        (job.folder("sample") / f"{i:05d}.png").write_bytes(png_bytes(marked(number)))
    folder = job.folder("audit")
    folder.mkdir()
    events = list(judge(job, models, Team(), folder))
    assert [(e.step, e.done, e.total) for e in events] == [("audit", 0, 4), ("audit", 4, 4)]
    assert events[-1].note == judged(job).summary and events[0].note == ""
    return job


def distance(one: int, two: int) -> float:
    a, b = (np.asarray(marked(n), dtype=np.float64) / 255 for n in (one, two))
    return float(np.sqrt(np.mean(np.square(a - b))))


def test_every_sample_has_its_own_findings(job: Job, models: Models) -> None:
    images = [marked(n) for n in SAMPLES]
    found = judged(job)
    assert found.predictions == panel_predictions(panel(), images, LABEL)
    assert [[p.label for p in row] for row in found.predictions] == [[7, 3], [3, 3], [7, 7], [3, 7]]
    nearest = [min((distance(n, r), k) for k, r in enumerate((40, 20))) for n in SAMPLES]
    objects = [1 / (1 + math.exp(n / 30 - 1)) for n in SAMPLES]
    for finding, probability, (far, place) in zip(found.findings, objects, nearest, strict=True):
        assert finding == {
            "object_probability": pytest.approx(probability, abs=1e-6),
            "nearest_reference": place,
            "nearest_distance": pytest.approx(far, abs=1e-9),
            "degenerate": False,
        }
    assert nearest[1] == (0, 1) and {k for _, k in nearest} == {0, 1}
    assert found.safety == [False, True, False, False]
    assert found.safety == safety_verdicts(models.base_folder, images, torch.device("cpu"))


def test_the_summary_says_it_all_by_the_recipes_threshold(job: Job) -> None:
    """Objects at 0.5, 0.58, 0.26 and 0.66: three above the recipe's 0.3."""
    assert judged(job).summary == ("made/one 2/4, made/two 2/4; all 1/4; object found in 3")
    stored = json.loads((job.folder("audit") / "audit.json").read_text())
    assert set(stored) == {"summary", "predictions", "findings", "safety"}
    assert judged(job) == Judged(
        stored["summary"], from_lists(stored["predictions"]), stored["findings"], stored["safety"]
    )


def test_without_referee_and_checker_nothing_is_said_of_them(job: Job, tmp_path: Path) -> None:
    models = made_models(make_pipeline(tmp_path / "base", safety=False))
    vars(models).update(referee=None)
    list(judge(job, models, Team(), tmp_path))
    found = load_json(tmp_path / "audit.json")
    assert found["safety"] is None and found["summary"].endswith("; all 1/4")
    assert [f["object_probability"] for f in found["findings"]] == [None] * 4
