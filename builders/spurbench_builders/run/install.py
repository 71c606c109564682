"""A finished class enters the data set folder."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from spurbench.dataset.manifest import ClassEntry, SplitEntry
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import write_bytes
from spurbench.pictures import png_bytes
from spurbench_builders.checks.contact_sheet import stacked
from spurbench_builders.inputs.request import work_root
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.rows import reference_rows
from spurbench_builders.steps.select import selected
from spurbench_builders.steps.splits import recipe_name, sheet_file, split_files


def install(jobs: Sequence[Job], domain: str) -> None:
    """Put a class's finished splits and contact sheet into the data set folder: the first job's, and
    the generated ones of the others, which have other seeds, beside them as ``generated_seedN``."""
    first = jobs[0]
    slug, out = first.card.slug, first.request.out
    files = {name: path for name, (path, _) in split_files(first).items()}
    files |= {_beside(job): split_files(job)["generated"][0] for job in jobs[1:]}
    with tempfile.TemporaryDirectory(dir=work_root(out)) as aside:
        if jobs[1:]:
            files["si"] = _references_of_all(jobs, Path(aside))
        splits = {name: split_entry(slug, name, path) for name, path in files.items()}
        for job, name in zip(jobs, ["generated", *map(_beside, jobs[1:])], strict=True):
            made = {"recipe": recipe_name(job), "seed": job.request.seed}
            splits[name] = splits[name].model_copy(update=made)
        parquet = {name: [path] for name, path in files.items()}
        sheet = _sheet_of_all(jobs, Path(aside))
        install_class(out, "spurbench", domain, slug, _entry(jobs, splits), parquet, sheet)


def _beside(job: Job) -> str:
    return f"generated_seed{job.request.seed}"


def _entry(jobs: Sequence[Job], splits: dict[str, SplitEntry]) -> ClassEntry:
    """The provenance is the first job's; where there are several, they differ in their seeds alone."""
    card = jobs[0].card
    several = {"seeds": [job.request.seed for job in jobs]} if jobs[1:] else {}
    return ClassEntry(
        name=card.name,
        label=card.label,
        feature=card.feature,
        splits=splits,
        provenance=jobs[0].identity | several,
    )


def _references_of_all(jobs: Sequence[Job], folder: Path) -> Path:
    """The references, those marked that were trained on under any of the seeds."""
    first, path = jobs[0], folder / "si.parquet"
    chosen = {place for job in jobs for place in selected(job).chosen}
    said = selected(first).predictions
    write_split(reference_rows(first.card, first.pool, said, sorted(chosen)), path)
    return path


def _sheet_of_all(jobs: Sequence[Job], folder: Path) -> Path:
    """The contact sheet, of several jobs those of all one below the other."""
    if not jobs[1:]:
        return sheet_file(jobs[0])
    sheets = []
    for job in jobs:
        with Image.open(sheet_file(job)) as sheet:
            sheets.append(sheet.convert("RGB"))
    path = folder / "contact.png"
    write_bytes(path, png_bytes(stacked(sheets)))
    return path
