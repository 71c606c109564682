"""A class's way into the data set: its own splits, words, provenance and sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.read import open_data_set
from spurbench.dataset.schema import PanelPrediction
from spurbench.dataset.write import write_split
from spurbench.files import sha256_file
from spurbench_builders.inputs.panel import as_lists
from spurbench_builders.run.install import install
from spurbench_builders.steps.finished import save_json
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.rows import validation_rows
from tests.builders.made import LABEL, OTHER, made_job, made_pool


def finished(job: Job, first: int) -> Job:
    """With splits of three, two and one pictures, numbered from ``first``."""
    folder = job.folder("splits")
    counts = {"si": 3, "generated": 2, "val": 1}
    save_json(folder / "counts.json", counts)
    for place, (name, count) in enumerate(counts.items()):
        pool = made_pool(*range(first + 10 * place, first + 10 * place + count))
        rows = [replace(r, source=name) for r in validation_rows(job.card, pool)]
        write_split(rows, folder / f"{name}.parquet")
    (folder / "contact.png").write_text(f"sheet of {job.card.name}")
    return job


def test_a_class_is_installed_beside_others_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    out = tmp_path / "set"
    job = finished(made_job(out), 10)
    other = finished(replace(job, card=OTHER, identity={"made": "other"}), 100)
    for each in (job, other):
        install([each], "micro")
    manifest = read_manifest(out)
    assert (manifest.name, manifest.domain) == ("spurbench", "micro")
    for each, slug in ((job, "freight_car"), (other, "koala")):
        entry = manifest.classes[slug]
        card = each.card
        assert (entry.name, entry.label, entry.feature) == (card.name, card.label, card.feature)
        assert entry.provenance == each.identity
        for name, count in (("si", 3), ("generated", 2), ("val", 1)):
            split, made = entry.splits[name], each.folder("splits") / f"{name}.parquet"
            (file,) = split.files
            assert file.path == f"data/{slug}/{name}-00000-of-00001.parquet"
            assert split.kind == name and split.pictures == file.pictures == count
            assert file.sha256 == sha256_file(made) == sha256_file(out / file.path)
            recipe = f"{each.recipe.name}@{each.recipe.fingerprint()[:12]}"
            told = (recipe, each.request.seed) if name == "generated" else (None, None)
            assert (split.recipe, split.seed) == told
        assert (out / "contact" / f"{slug}.png").read_text() == f"sheet of {card.name}"
    origins = [p.origin for p in open_data_set(out).pictures(["koala"], ["generated"])]
    assert origins == ["picture 110", "picture 111"]


def seeded(out: Path, seed: int, first: int, chosen: list[int]) -> Job:
    """A finished job of one of three seeds that trained on these places of the pool."""
    plain = made_job(out, seed=seed)
    request = replace(plain.request, beside=(9, 4))
    job = finished(replace(plain, request=request, identity={"seed": seed}), first)
    said = [(PanelPrediction("made/one", LABEL, 0.75),) for _ in job.pool]
    save_json(
        job.folder("references") / "references.json",
        {"chosen": chosen, "summary": "", "predictions": as_lists(said)},
    )
    sheet = Image.new("RGB", (30 + seed, 10 * seed), (seed, 0, 0))
    sheet.save(job.folder("splits") / "contact.png")
    return job


def test_further_seeds_lie_beside_the_first(tmp_path: Path) -> None:
    """Each with its own pictures, seed and sheet; a reference is marked that any of them trained on."""
    out = tmp_path / "set"
    jobs = [seeded(out, 7, 10, [1, 3]), seeded(out, 9, 40, [3, 5]), seeded(out, 4, 70, [1, 3])]
    install(jobs, "micro")
    entry = read_manifest(out).classes["freight_car"]
    assert {n: (s.kind, s.seed) for n, s in entry.splits.items()} == {
        "si": ("si", None),
        "val": ("val", None),
        "generated": ("generated", 7),
        "generated_seed9": ("generated", 9),
        "generated_seed4": ("generated", 4),
    }
    assert entry.provenance == {**jobs[0].identity, "seeds": [7, 9, 4]}
    opened = open_data_set(out)
    for name, first in (("generated", 20), ("generated_seed9", 50), ("generated_seed4", 80)):
        origins = [p.origin for p in opened.pictures(splits=[name])]
        assert origins == [f"picture {first}", f"picture {first + 1}"], name
    marked = [row.is_training_reference for row in opened.rows("freight_car", "si")]
    assert marked == [False, True, False, True, False, True]
    with Image.open(out / "contact" / "freight_car.png") as sheet:
        assert sheet.size == (39, 200), "as wide as the widest, and all below one another"
        reds = [sheet.getpixel((5, y))[0] for y in (0, 69, 70, 159, 160, 199)]  # type: ignore[index]
    assert reds == [7, 7, 9, 9, 4, 4]
    install(jobs[:2], "micro")
    assert set(read_manifest(out).classes["freight_car"].splits) == {
        *("si", "val", "generated", "generated_seed9")
    }
    assert not list((tmp_path / "set.work").glob("tmp*")), "nothing is left aside"
