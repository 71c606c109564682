"""The splits of a job: what each step found, in its place."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from spurbench.dataset.schema import PanelPrediction
from spurbench.pictures import png_bytes
from spurbench_builders.checks.contact_sheet import contact_sheet
from spurbench_builders.inputs.panel import as_lists, panel_predictions
from spurbench_builders.inputs.pool import PoolPicture
from spurbench_builders.models.needed import Models
from spurbench_builders.steps import splits as splits_module
from spurbench_builders.steps.finished import load_json, save_json
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.rows import generated_rows, reference_rows, validation_rows
from spurbench_builders.steps.splits import sheet_file, split_files, split_rows, splits
from spurbench_builders.team import Team
from tests.builders.made import (
    CARD,
    LABEL,
    MadeDomain,
    made_job,
    made_models,
    made_pool,
    made_recipe,
    marked,
    panel,
)

SAMPLES = (30, 20, 61, 10)
SEEDS = [4_000_000, 4_000_001, 4_000_002, 4_000_003]
FINDINGS = [
    {
        "object_probability": 0.1 * (i + 1),
        "nearest_reference": i % 2,
        "nearest_distance": 0.3 - 0.01 * i,
        "degenerate": i == 2,
    }
    for i in range(4)
]
SAFETY = [False, False, True, True]


def said(*numbers: int) -> list[tuple[PanelPrediction, ...]]:
    return panel_predictions(panel(), [marked(n) for n in numbers], LABEL)


def finished(job: Job) -> Job:
    """The job with its steps before the splits: pictures 60 and 20 of the pool were trained on."""
    pool = as_lists(said(10, 20, 30, 40, 50, 60))
    save_json(job.folder("references") / "references.json", {"chosen": [5, 1], "predictions": pool})
    job.folder("sample").mkdir(parents=True)
    for i, number in enumerate(SAMPLES):
        (job.folder("sample") / f"{i:05d}.png").write_bytes(png_bytes(marked(number)))
    found = {"summary": "words", "findings": FINDINGS, "safety": SAFETY}
    found["predictions"] = as_lists(said(*SAMPLES))
    save_json(job.folder("audit") / "audit.json", found)
    return job


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    yield finished(made_job(tmp_path / "set", images=4))


def expected(job: Job) -> dict[str, list[object]]:
    pool = made_pool(10, 20, 30, 40, 50, 60)
    files = [job.folder("sample") / f"{i:05d}.png" for i in range(4)]
    shown = list(MadeDomain().validation(CARD, 3))
    words = {"prompt": "a photo of a sks leaves", "recipe": f"made@{job.recipe.fingerprint()[:12]}"}
    trained = made_pool(60, 20)
    val = [PoolPicture(png_bytes(p.image), p.origin) for p in shown]
    rows = {
        "si": reference_rows(CARD, pool, said(10, 20, 30, 40, 50, 60), [1, 5]),
        "generated": generated_rows(
            CARD, files, SEEDS, said(*SAMPLES), FINDINGS, trained, SAFETY, **words
        ),
        "val": validation_rows(CARD, val),
    }
    return {name: list(found) for name, found in rows.items()}


def test_rows_are_what_the_steps_found(job: Job) -> None:
    found = split_rows(job, MadeDomain())
    assert found == expected(job) and list(found) == ["si", "generated", "val"]
    assert [len(rows) for rows in found.values()] == [6, 4, 3]
    assert [r.nearest_reference for r in found["generated"]] == [
        *("picture 60", "picture 20", "picture 60", "picture 20")
    ]
    assert [r.origin for r in found["val"]] == [f"validation {n}" for n in (200, 201, 202)]


def test_a_split_without_pictures_is_none(tmp_path: Path) -> None:
    recipe = made_recipe(references={"validation": 0})
    job = finished(made_job(tmp_path / "set", recipe, images=4))
    assert list(split_rows(job, MadeDomain())) == ["si", "generated"]


@pytest.fixture
def made(job: Job) -> Job:
    models = made_models(job.folder("sample"))
    folder = job.folder("splits")
    folder.mkdir()
    events = list(splits(job, models, Team(), folder))
    assert [(e.step, e.done, e.total, e.note) for e in events] == [
        ("splits", 0, 3, "si"),
        ("splits", 1, 3, "generated"),
        ("splits", 2, 3, "val"),
        ("splits", 3, 3, ""),
    ]
    return job


def test_files_hold_the_rows_and_their_counts(made: Job) -> None:
    files = split_files(made)
    folder = made.folder("splits")
    assert files == {
        "si": (folder / "si.parquet", 6),
        "generated": (folder / "generated.parquet", 4),
        "val": (folder / "val.parquet", 3),
    }
    assert load_json(folder / "counts.json") == {"si": 6, "generated": 4, "val": 3}
    for name, rows in split_rows(made, MadeDomain()).items():
        stored = Dataset.from_parquet(str(files[name][0]))
        assert stored["sha256"] == [r.sha256 for r in rows]
        assert stored["source"] == [name] * len(rows)
        assert stored["nearest_reference"] == [r.nearest_reference for r in rows]
    assert sheet_file(made) == folder / "contact.png"


def test_the_sheet_frames_each_picture_by_how_many_it_fools(made: Job) -> None:
    """Samples 30, 20, 61 and 10 fool one, both, none and one of two."""
    found = Image.open(io.BytesIO(sheet_file(made).read_bytes()))
    whole = contact_sheet(
        "freight car: sprayed leaves (a photo of a sks leaves), seed 4",
        [marked(60), marked(20)],
        [marked(n) for n in SAMPLES],
        [1, 2, 0, 1],
        2,
    )
    np.testing.assert_array_equal(np.asarray(found), np.asarray(whole))


def test_the_domain_is_the_networks_own(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    straight = split_rows

    def noted(of: Job, domain: MadeDomain) -> object:
        asked.append(domain)
        return straight(of, domain)

    monkeypatch.setattr(splits_module, "split_rows", noted)
    models: Models = made_models(job.folder("sample"))
    folder = job.root / "made"
    folder.mkdir()
    list(splits(job, models, Team(), folder))
    assert asked == [models.domain]
