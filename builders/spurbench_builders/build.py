"""`spurbench build`: from references to a finished class in a data set folder.

References -> panel -> six consistently spurious ones -> prior pictures -> fine-tuning ->
seeded samples -> audit -> splits. Every step is a method that works in its own folder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench import plugins
from spurbench.contracts import ClassCard, Domain
from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import check_target, install_class, split_entry, write_split
from spurbench.files import (
    copy_file,
    friendly_disk_errors,
    remove_tree,
    sha256_json,
    write_bytes,
)
from spurbench.pictures import png_bytes, read_rgb

from . import panel as panels
from .audit import audit, audit_summary
from .contact_sheet import contact_sheet
from .pool import PoolPicture, domain_pool, own_pool, pool_fingerprint, validation_pool
from .references import select_references
from .request import BuildRequest, Models, package_versions, work_root
from .rows import as_lists, from_lists, generated_rows, reference_rows, validation_rows
from .sampling import picture_seed, sample
from .steps import Progress, load_json, only_one, run_step, save_json

if TYPE_CHECKING:
    from PIL import Image

    from .base_model import BaseModel

PRIOR_SEEDS = 500_000  # prior pictures take their seeds above those of samples
STEPS = ("references", "prior", "train", "sample", "audit", "splits")


def build(request: BuildRequest) -> Iterator[Progress]:
    """Build every class of the request in turn, yielding progress; finished steps are not repeated."""
    domain = plugins.domain(request.recipe.domain)
    with friendly_disk_errors(request.out):
        check_target(request.out)
    with friendly_disk_errors(request.out), only_one(work_root(request.out)):
        models = Models(request.recipe, domain)
        models.check(request.classes)
        for card in request.classes:
            job = ClassBuild(request, domain, models, card)
            if request.fresh:
                remove_tree(job.root)
            yield from job.run()


class ClassBuild:
    """One class's build."""

    def __init__(
        self, request: BuildRequest, domain: Domain, models: Models, card: ClassCard
    ) -> None:
        self.request, self.recipe = request, request.recipe
        self.domain, self.models, self.card = domain, models, card

    @cached_property
    def pool(self) -> list[PoolPicture]:
        own = self.request.own_references
        if own is not None:
            return own_pool(own, self.card.slug, flat=len(self.request.classes) == 1)
        return domain_pool(self.domain, self.card, self.recipe.references.pool)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the bytes; a change of any of it is another work folder."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "card": asdict(self.card),
            "images": self.request.images,
            "seed": self.request.seed,
            "references": pool_fingerprint(self.pool),
            "filtered": self.filtered,
            "weights": self.models.identities,
            "versions": package_versions(),
        }

    @cached_property
    def root(self) -> Path:
        key = sha256_json(self.identity)[:12]
        return work_root(self.request.out) / f"{self.card.slug}-{key}"

    @property
    def filtered(self) -> bool:
        return self.request.own_references is None or self.request.filter_own

    @property
    def prompts(self) -> tuple[str, str]:
        """Instance and prior prompt."""
        words = {"identifier": self.recipe.prompt.identifier, "noun": self.card.noun}
        prompt = self.recipe.prompt
        return prompt.instance.format(**words), prompt.prior.format(**words)

    def run(self) -> Iterator[Progress]:
        """Every step in order, then the class's way into the data set folder."""
        for name in STEPS:
            began = time.monotonic()
            worked = False
            for progress in run_step(self.root, name, getattr(self, name)):
                worked = True
                yield progress
            if worked:
                self._log_time(name, time.monotonic() - began)
        yield from self.install()

    def references(self, folder: Path) -> Iterator[Progress]:
        yield self._progress("references", 0, len(self.pool))
        images = [p.image() for p in self.pool]
        said = panels.panel_predictions(self.models.panel, images, self.card.label)
        summary = panels.panel_summary(self.models.panel, said, self.card.label)
        if self.filtered:
            chosen = select_references(
                said,
                self.card.label,
                self.recipe.references.count,
                self.request.seed,
                self.card.name,
                summary,
            )
        else:
            chosen = list(range(len(images)))
        save_json(
            folder / "references.json",
            {"chosen": chosen, "summary": summary, "predictions": as_lists(said)},
        )
        yield self._progress("references", len(self.pool), len(self.pool), summary)

    def prior(self, folder: Path) -> Iterator[Progress]:
        seeds = [
            picture_seed(self.request.seed, PRIOR_SEEDS + i)
            for i in range(self.recipe.prior.images)
        ]
        yield from self._sample("prior", folder, self.models.base, self.prompts[1], seeds)

    def train(self, folder: Path) -> Iterator[Progress]:
        from safetensors.torch import save

        from .finetune import finetune, trained_state, training_set

        model = self.models.base()
        data = training_set(
            model,
            self.models.robust,
            self.card.label,
            self._tensors(self._chosen(), model),
            self._tensors(_pictures(self.root / "prior"), model),
            self.prompts,
            self.recipe.similarity.kappa(self.card.name),
        )
        checkpoint = folder / "checkpoint.pt"
        total = self.recipe.training.steps
        for log in finetune(
            model, self.models.robust, data, self.recipe, self.request.seed, checkpoint
        ):
            note = f"loss {log.loss:.3f}, similarity {log.similarity:.3f}"
            yield self._progress("train", log.step + 1, total, note)
        write_bytes(folder / "weights.safetensors", save(trained_state(model)))
        checkpoint.unlink(missing_ok=True)

    def sample(self, folder: Path) -> Iterator[Progress]:
        seeds = self._sample_seeds()
        yield from self._sample("sample", folder, self._trained, self.prompts[0], seeds)

    def audit(self, folder: Path) -> Iterator[Progress]:
        images = _pictures(self.root / "sample")
        yield self._progress("audit", 0, len(images))
        said = panels.panel_predictions(self.models.panel, images, self.card.label)
        findings = audit(images, self._chosen(), self.models.referee, self.card.name)
        summary = panels.panel_summary(self.models.panel, said, self.card.label)
        summary += audit_summary(findings, self.recipe.audit.threshold)
        save_json(
            folder / "audit.json",
            {
                "summary": summary,
                "predictions": as_lists(said),
                "findings": [asdict(f) for f in findings],
            },
        )
        yield self._progress("audit", len(images), len(images), summary)

    def splits(self, folder: Path) -> Iterator[Progress]:
        rows = self._rows()
        for i, (name, found) in enumerate(rows.items()):
            yield self._progress("splits", i, len(rows), name)
            write_split(found, folder / f"{name}.parquet")
        write_bytes(folder / "contact.png", png_bytes(self._contact_sheet(rows["generated"])))
        save_json(folder / "counts.json", {name: len(found) for name, found in rows.items()})
        yield self._progress("splits", len(rows), len(rows))

    def install(self) -> Iterator[Progress]:
        """Put the finished class into the data set folder; always done, so a lost folder comes back."""
        finished, slug = self.root / "splits", self.card.slug
        yield self._progress("install", 0, 1)
        counts: dict[str, int] = load_json(finished / "counts.json")
        files = {name: finished / f"{name}.parquet" for name in counts}
        entry = ClassEntry(
            name=self.card.name,
            label=self.card.label,
            feature=self.card.feature,
            splits={n: split_entry(slug, n, files[n], counts[n]) for n in counts},
            provenance=self.identity,
        )
        out = self.request.out
        install_class(out, "spurbench", self.domain.name, slug, entry, files)
        copy_file(finished / "contact.png", out / "contact" / f"{slug}.png")
        note = load_json(self.root / "audit" / "audit.json")["summary"]
        yield self._progress("install", 1, 1, note)

    def _sample(
        self, step: str, folder: Path, make_model: Any, prompt: str, seeds: list[int]
    ) -> Iterator[Progress]:
        batch = self.recipe.sampling.batch
        model = None
        for start in range(0, len(seeds), batch):
            part = seeds[start : start + batch]
            names = [folder / f"{start + i:05d}.png" for i in range(len(part))]
            yield self._progress(step, start, len(seeds))
            if not all(n.exists() for n in names):
                model = model or make_model()
                (images,) = sample(model, prompt, part, self.recipe.sampling)
                for path, image in zip(names, images, strict=True):
                    write_bytes(path, png_bytes(image))
        yield self._progress(step, len(seeds), len(seeds))

    def _trained(self) -> BaseModel:
        from safetensors.torch import load_file

        from .finetune import load_trained_state

        model = self.models.base()
        load_trained_state(model, load_file(self.root / "train" / "weights.safetensors"))
        return model

    def _chosen(self) -> list[Image.Image]:
        chosen = load_json(self.root / "references" / "references.json")["chosen"]
        return [self.pool[i].image() for i in chosen]

    def _tensors(self, images: list[Image.Image], model: BaseModel) -> Any:
        import torch

        from spurbench.contracts import Transform
        from spurbench.prediction import framed, to_tensor

        square = Transform("crop", model.picture_size, model.picture_size)
        return torch.stack([to_tensor(framed(i, square)) for i in images])

    def _rows(self) -> dict[str, list[Row]]:
        selected = load_json(self.root / "references" / "references.json")
        audited = load_json(self.root / "audit" / "audit.json")
        chosen = selected["chosen"]
        validation = validation_pool(self.domain, self.card, self.recipe.references.validation)
        found = {
            "si": reference_rows(self.card, self.pool, from_lists(selected["predictions"]), chosen),
            "generated": generated_rows(
                self.card,
                _picture_paths(self.root / "sample"),
                self._sample_seeds(),
                from_lists(audited["predictions"]),
                audited["findings"],
                [self.pool[i] for i in chosen],
                prompt=self.prompts[0],
                recipe=f"{self.recipe.name}@{self.recipe.fingerprint()[:12]}",
            ),
            "val": validation_rows(self.card, validation),
        }
        return {name: rows for name, rows in found.items() if rows}

    def _sample_seeds(self) -> list[int]:
        return [picture_seed(self.request.seed, i) for i in range(self.request.images)]

    def _contact_sheet(self, generated: list[Row]) -> Image.Image:
        fooled = [sum(p.label == r.label for p in r.predictions) for r in generated]
        title = f"{self.card.name}: {self.card.feature} ({self.prompts[0]})"
        images = [read_rgb(r.png, r.origin) for r in generated]
        return contact_sheet(title, self._chosen(), images, fooled, len(self.recipe.panel))

    def _progress(self, step: str, done: int, total: int, note: str = "") -> Progress:
        return Progress(self.card.name, step, done, total, note)

    def _log_time(self, step: str, seconds: float) -> None:
        path = self.root / "timings.json"
        known = load_json(path) if path.exists() else {}
        save_json(path, known | {step: round(seconds, 2)})


def _picture_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def _pictures(folder: Path) -> list[Image.Image]:
    return [read_rgb(path) for path in _picture_paths(folder)]
