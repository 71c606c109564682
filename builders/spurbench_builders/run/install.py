"""A finished class enters the data set folder."""

from __future__ import annotations

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.write import install_class, split_entry
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.splits import recipe_name, sheet_file, split_files


def install(job: Job, domain: str) -> None:
    """Put the class's finished splits and contact sheet into the data set folder."""
    slug, out, files = job.card.slug, job.request.out, split_files(job)
    made = {"recipe": recipe_name(job), "seed": job.request.seed}
    splits = {name: split_entry(slug, name, path) for name, (path, _) in files.items()}
    splits["generated"] = splits["generated"].model_copy(update=made)
    entry = ClassEntry(
        name=job.card.name,
        label=job.card.label,
        feature=job.card.feature,
        splits=splits,
        provenance=job.identity,
    )
    parquet = {name: [path] for name, (path, _) in files.items()}
    install_class(out, "spurbench", domain, slug, entry, parquet, sheet_file(job))
