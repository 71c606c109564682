"""Step ``splits``: what the other steps found becomes parquet files and a contact sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from spurbench.contracts import Domain
from spurbench.dataset.schema import Row
from spurbench.dataset.write import write_split
from spurbench.files import write_bytes
from spurbench.pictures import png_bytes, read_rgb
from spurbench_builders.checks.contact_sheet import contact_sheet
from spurbench_builders.inputs.pool import validation_pool
from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .finished import load_json, picture_files, save_json
from .job import Job
from .judge import judged
from .rows import generated_rows, reference_rows, validation_rows
from .select import selected, training_images, training_references

SHEET = "contact.png"


def splits(job: Job, models: Models, team: Team, folder: Path) -> Iterator[Progress]:
    """Write a parquet file a split, and the contact sheet."""
    by_split = split_rows(job, models.domain)
    for i, (name, rows) in enumerate(by_split.items()):
        yield job.progress("splits", i, len(by_split), name)
        write_split(rows, folder / f"{name}.parquet")
    write_bytes(folder / SHEET, png_bytes(sheet(job, by_split["generated"])))
    save_json(folder / "counts.json", {name: len(rows) for name, rows in by_split.items()})
    yield job.progress("splits", len(by_split), len(by_split))


def split_rows(job: Job, domain: Domain) -> dict[str, list[Row]]:
    """The rows of each split that has any."""
    references, samples = selected(job), judged(job)
    validation = validation_pool(domain, job.card, job.recipe.references.validation)
    by_split = {
        "si": reference_rows(job.card, job.pool, references.predictions, references.chosen),
        "generated": generated_rows(
            job.card,
            picture_files(job.folder("sample")),
            job.sample_seeds,
            samples.predictions,
            samples.findings,
            training_references(job),
            samples.safety,
            prompt=job.prompts[0],
            recipe=recipe_name(job),
        ),
        "val": validation_rows(job.card, validation),
    }
    return {name: rows for name, rows in by_split.items() if rows}


def recipe_name(job: Job) -> str:
    """The recipe as rows and the manifest name it."""
    return f"{job.recipe.name}@{job.recipe.fingerprint()[:12]}"


def sheet(job: Job, generated: Sequence[Row]) -> Image.Image:
    """The class's contact sheet."""
    fooled = [sum(p.label == r.label for p in r.predictions) for r in generated]
    title = f"{job.card.name}: {job.card.feature} ({job.prompts[0]}), seed {job.request.seed}"
    images = [read_rgb(r.data, r.origin) for r in generated]
    return contact_sheet(title, training_images(job), images, fooled, len(job.recipe.panel))


def split_files(job: Job) -> dict[str, tuple[Path, int]]:
    """The finished step's parquet file of each split, and how many pictures it holds."""
    folder = job.folder("splits")
    counts: dict[str, int] = load_json(folder / "counts.json")
    return {name: (folder / f"{name}.parquet", count) for name, count in counts.items()}


def sheet_file(job: Job) -> Path:
    """The finished step's contact sheet."""
    return job.folder("splits") / SHEET
