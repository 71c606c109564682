"""A class's way into the data set: its own splits, words, provenance and sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.read import open_data_set
from spurbench.dataset.write import write_split
from spurbench.files import sha256_file
from spurbench_builders.run.install import install
from spurbench_builders.steps.finished import save_json
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.rows import validation_rows
from tests.builders.made import OTHER, made_job, made_pool


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
        install(each, "micro")
    manifest = read_manifest(out)
    assert (manifest.name, manifest.domain) == ("spurbench", "micro")
    for each, slug in ((job, "freight_car"), (other, "koala")):
        entry = manifest.classes[slug]
        card = each.card
        assert (entry.name, entry.label, entry.feature) == (card.name, card.label, card.feature)
        assert entry.provenance == each.identity
        for name, count in (("si", 3), ("generated", 2), ("val", 1)):
            split, made = entry.splits[name], each.folder("splits") / f"{name}.parquet"
            assert split.path == f"data/{slug}/{name}-00000-of-00001.parquet"
            assert split.pictures == count
            assert split.sha256 == sha256_file(made) == sha256_file(out / split.path)
        assert (out / "contact" / f"{slug}.png").read_text() == f"sheet of {card.name}"
    origins = [p.origin for p in open_data_set(out).pictures(["koala"], ["generated"])]
    assert origins == ["picture 110", "picture 111"]
