"""A finished class enters the data set folder."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from spurbench.dataset.manifest import ClassEntry, SplitEntry
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import copy_file
from spurbench_builders.inputs.request import work_root
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.rows import reference_rows
from spurbench_builders.steps.select import selected
from spurbench_builders.steps.splits import recipe_name, sheet_file, split_files


def install(jobs: Sequence[Job], domain: str) -> None:
    """Put a class's finished splits and contact sheets into the data set folder: the first job's, and
    the generated ones of the others, which have other seeds, beside them as ``generated_seedN``."""
    first = jobs[0]
    slug, out = first.card.slug, first.request.out
    with tempfile.TemporaryDirectory(dir=work_root(out)) as aside:
        files = {name: path for name, (path, _) in split_files(first).items()}
        files |= {_beside(job): split_files(job)["generated"][0] for job in jobs[1:]}
        if jobs[1:]:
            files["si"] = _references_of_all(jobs, Path(aside))
        splits = {name: split_entry(slug, name, path) for name, path in files.items()}
        for job, name in zip(jobs, ["generated", *map(_beside, jobs[1:])], strict=True):
            splits[name] = _generated(splits[name], job)
        parquet = {name: [path] for name, path in files.items()}
        install_class(out, "spurbench", domain, slug, _entry(jobs, splits), parquet)
    _put_sheets({sheet: sheet_file(job) for sheet, job in zip(_sheets(jobs), jobs, strict=True)})


def _sheets(jobs: Sequence[Job]) -> list[Path]:
    """Where each job's contact sheet goes."""
    slug, folder = jobs[0].card.slug, jobs[0].request.out / "contact"
    names = [slug, *(f"{slug}-seed{job.request.seed}" for job in jobs[1:])]
    return [folder / f"{name}.png" for name in names]


def _put_sheets(sheets: dict[Path, Path]) -> None:
    first = next(iter(sheets))
    for sheet, source in sheets.items():
        copy_file(source, sheet)
    for stale in set(first.parent.glob(f"{first.stem}-seed*.png")) - set(sheets):
        stale.unlink()  # of a seed that an earlier build had


def _beside(job: Job) -> str:
    return f"generated_seed{job.request.seed}"


def _generated(entry: SplitEntry, job: Job) -> SplitEntry:
    made = {"recipe": recipe_name(job), "seed": job.request.seed}
    return entry.model_copy(update=made)


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
