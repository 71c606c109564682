"""The last steps of a class: what was found becomes splits, and they enter the data set folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import copy_file, write_bytes
from spurbench.pictures import png_bytes, read_rgb
from spurbench_builders.checks.contact_sheet import contact_sheet
from spurbench_builders.inputs.pool import validation_pool

from .files_of_step import picture_files
from .finished import Progress, load_json, save_json
from .rows import from_lists, generated_rows, reference_rows, validation_rows

if TYPE_CHECKING:
    from PIL import Image

    from spurbench.dataset.schema import Row
    from spurbench_builders.run.build import ClassBuild


def make_splits(job: ClassBuild, folder: Path) -> Iterator[Progress]:
    """Write a parquet file a split, and the contact sheet."""
    rows = split_rows(job)
    for i, (name, found) in enumerate(rows.items()):
        yield job.progress("splits", i, len(rows), name)
        write_split(found, folder / f"{name}.parquet")
    write_bytes(folder / "contact.png", png_bytes(sheet(job, rows["generated"])))
    save_json(folder / "counts.json", {name: len(found) for name, found in rows.items()})
    yield job.progress("splits", len(rows), len(rows))


def split_rows(job: ClassBuild) -> dict[str, list[Row]]:
    """The rows of each split that has any."""
    selected = load_json(job.root / "references" / "references.json")
    audited = load_json(job.root / "audit" / "audit.json")
    chosen, recipe = selected["chosen"], job.recipe
    validation = validation_pool(job.domain, job.card, recipe.references.validation)
    found = {
        "si": reference_rows(job.card, job.pool, from_lists(selected["predictions"]), chosen),
        "generated": generated_rows(
            job.card,
            picture_files(job.root / "sample"),
            job.sample_seeds(),
            from_lists(audited["predictions"]),
            audited["findings"],
            [job.pool[i] for i in chosen],
            audited["safety"],
            prompt=job.prompts[0],
            recipe=f"{recipe.name}@{recipe.fingerprint()[:12]}",
        ),
        "val": validation_rows(job.card, validation),
    }
    return {name: rows for name, rows in found.items() if rows}


def sheet(job: ClassBuild, generated: list[Row]) -> Image.Image:
    """The class's contact sheet."""
    fooled = [sum(p.label == r.label for p in r.predictions) for r in generated]
    title = f"{job.card.name}: {job.card.feature} ({job.prompts[0]})"
    images = [read_rgb(r.png, r.origin) for r in generated]
    return contact_sheet(title, job.chosen(), images, fooled, len(job.recipe.panel))


def install(job: ClassBuild) -> None:
    """Put the finished class into the data set folder."""
    finished, slug, out = job.root / "splits", job.card.slug, job.request.out
    counts: dict[str, int] = load_json(finished / "counts.json")
    files = {name: finished / f"{name}.parquet" for name in counts}
    entry = ClassEntry(
        name=job.card.name,
        label=job.card.label,
        feature=job.card.feature,
        splits={n: split_entry(slug, n, files[n], counts[n]) for n in counts},
        provenance=job.identity,
    )
    install_class(out, "spurbench", job.domain.name, slug, entry, files)
    copy_file(finished / "contact.png", out / "contact" / f"{slug}.png")
