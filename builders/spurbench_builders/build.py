"""`spurbench build`: from references to a finished class in a data set folder.

References -> panel -> six consistently spurious ones -> prior pictures -> fine-tuning ->
seeded samples -> audit -> splits. Every step is a method that works in its own folder.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from spurbench import plugins
from spurbench.contracts import ClassCard, Classifier, Domain, FeatureClassifier
from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import PanelPrediction, Row
from spurbench.dataset.write import check_target, install_class, split_entry, write_split
from spurbench.files import (
    copy_file,
    friendly_disk_errors,
    remove_tree,
    sha256_bytes,
    sha256_json,
    write_bytes,
)
from spurbench.pictures import png_bytes, read_rgb

from . import panel as panels
from .audit import audit
from .base_model import base_model_folder, folder_fingerprint, load_base_model
from .contact_sheet import contact_sheet
from .pool import PoolPicture, domain_pool, own_pool, pool_fingerprint, validation_pool
from .recipe import Recipe
from .references import select_references
from .sampling import picture_seed, sample
from .steps import Progress, load_json, only_one, run_step, save_json

if TYPE_CHECKING:
    from PIL import Image

    from .base_model import BaseModel

PRIOR_SEEDS = 500_000  # prior pictures take their seeds above those of samples
STEPS = ("references", "prior", "train", "sample", "audit", "splits")


@dataclass(frozen=True)
class BuildRequest:
    """What to build. ``own_references`` replaces the domain's pool by a folder of pictures, which
    are trained on as they are unless ``filter_own`` sends them through the panel too."""

    recipe: Recipe
    classes: tuple[ClassCard, ...]
    images: int
    seed: int
    out: Path
    own_references: Path | None = None
    filter_own: bool = False
    fresh: bool = False


def work_root(out: Path) -> Path:
    """The work folder beside a data set folder."""
    return out.parent / f"{out.name}.work"


def build(request: BuildRequest) -> Iterator[Progress]:
    """Build every class of the request in turn, yielding progress; finished steps are not repeated."""
    check_target(request.out)
    domain = plugins.domain(request.recipe.domain)
    with friendly_disk_errors(request.out), only_one(work_root(request.out)):
        models = Models(request.recipe, domain)
        for card in request.classes:
            job = ClassBuild(request, domain, models, card)
            if request.fresh:
                remove_tree(job.root)
            yield from job.run()


class Models:
    """The networks a build needs, each loaded when first asked for."""

    def __init__(self, recipe: Recipe, domain: Domain) -> None:
        self.recipe = recipe
        self.base_folder = base_model_folder(recipe.base, domain)

    @cached_property
    def panel(self) -> list[Classifier]:
        return panels.load_panel(self.recipe.panel)

    @cached_property
    def robust(self) -> FeatureClassifier:
        return cast(FeatureClassifier, plugins.classifier(self.recipe.similarity.robust))

    @cached_property
    def referee(self) -> Classifier | None:
        spec = self.recipe.audit.referee
        return plugins.classifier(spec) if spec else None

    def base(self) -> BaseModel:
        """A fresh copy: fine-tuning changes it."""
        return load_base_model(self.base_folder)

    @cached_property
    def identities(self) -> dict[str, str]:
        """Hashes of everything that was trained elsewhere."""
        hashes = {m.spec: m.facts.weights_sha256 for m in self.panel}
        hashes[self.recipe.similarity.robust] = self.robust.facts.weights_sha256
        if self.referee:
            hashes[self.referee.spec] = self.referee.facts.weights_sha256
        return {**hashes, "base": folder_fingerprint(self.base_folder)}


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
            return own_pool(own, self.card.slug)
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
                said, self.card.label, self.recipe.references.count, self.request.seed,
                self.card.name, summary,
            )
        else:
            chosen = list(range(len(images)))
        save_json(
            folder / "references.json",
            {"chosen": chosen, "summary": summary, "predictions": _as_lists(said)},
        )
        yield self._progress("references", len(self.pool), len(self.pool), summary)

    def prior(self, folder: Path) -> Iterator[Progress]:
        seeds = [picture_seed(self.request.seed, PRIOR_SEEDS + i) for i in range(self.recipe.prior.images)]
        yield from self._sample("prior", folder, self.models.base, self.prompts[1], seeds)

    def train(self, folder: Path) -> Iterator[Progress]:
        from safetensors.torch import save

        from .finetune import finetune, trained_state, training_set

        model = self.models.base()
        data = training_set(
            model, self.models.robust, self.card.label, self._tensors(self._chosen(), model),
            self._tensors(_pictures(self.root / "prior"), model), self.prompts,
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
        seeds = [picture_seed(self.request.seed, i) for i in range(self.request.images)]
        yield from self._sample("sample", folder, self._trained, self.prompts[0], seeds)

    def audit(self, folder: Path) -> Iterator[Progress]:
        images = _pictures(self.root / "sample")
        yield self._progress("audit", 0, len(images))
        said = panels.panel_predictions(self.models.panel, images, self.card.label)
        findings = audit(images, self._chosen(), self.models.referee, self.card.name)
        summary = panels.panel_summary(self.models.panel, said, self.card.label)
        save_json(
            folder / "audit.json",
            {
                "summary": summary,
                "predictions": _as_lists(said),
                "findings": [asdict(f) for f in findings],
            },
        )
        yield self._progress("audit", len(images), len(images), summary)

    def splits(self, folder: Path) -> Iterator[Progress]:
        rows = {"si": self._si_rows(), "generated": self._generated_rows(), "val": self._val_rows()}
        rows = {name: found for name, found in rows.items() if found}
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

    def _si_rows(self) -> list[Row]:
        found = load_json(self.root / "references" / "references.json")
        chosen = set(found["chosen"])
        said = _from_lists(found["predictions"])
        return [
            self._row(
                p.png, "si", i, p.origin, predictions=said[i], is_training_reference=i in chosen,
                consistently_spurious=panels.fools_all(said[i], self.card.label),
            )
            for i, p in enumerate(self.pool)
        ]

    def _generated_rows(self) -> list[Row]:
        found = load_json(self.root / "audit" / "audit.json")
        references = load_json(self.root / "references" / "references.json")["chosen"]
        said = _from_lists(found["predictions"])
        rows = []
        for i, path in enumerate(_picture_paths(self.root / "sample")):
            finding = found["findings"][i]
            nearest = self.pool[references[finding.pop("nearest_reference")]].origin
            seed = picture_seed(self.request.seed, i)
            rows.append(
                self._row(
                    path.read_bytes(), "generated", i, f"seed {seed}", predictions=said[i],
                    consistently_spurious=panels.fools_all(said[i], self.card.label),
                    prompt=self.prompts[0], seed=seed, nearest_reference=nearest,
                    recipe=f"{self.recipe.name}@{self.recipe.fingerprint()[:12]}", **finding,
                )
            )
        return rows

    def _val_rows(self) -> list[Row]:
        pool = validation_pool(self.domain, self.card, self.recipe.references.validation)
        return [self._row(p.png, "val", i, p.origin) for i, p in enumerate(pool)]

    def _row(self, png: bytes, source: str, index: int, origin: str, **known: Any) -> Row:
        return Row(
            png, self.card.label, self.card.name, source, index, origin, sha256_bytes(png), **known
        )

    def _contact_sheet(self, generated: list[Row]) -> Image.Image:
        fooled = [sum(p.label == r.label for p in r.predictions) for r in generated]
        title = f"{self.card.name}: {self.card.feature} ({self.prompts[0]})"
        images = [read_rgb(r.png) for r in generated]
        return contact_sheet(title, self._chosen(), images, fooled, len(self.recipe.panel))

    def _progress(self, step: str, done: int, total: int, note: str = "") -> Progress:
        return Progress(self.card.name, step, done, total, note)

    def _log_time(self, step: str, seconds: float) -> None:
        path = self.root / "timings.json"
        known = load_json(path) if path.exists() else {}
        save_json(path, known | {step: round(seconds, 2)})


def package_versions() -> dict[str, str]:
    """Versions that can change a build's bytes."""
    names = ("spurbench", "torch", "diffusers", "transformers", "timm", "pillow", "datasets")
    return {"python": platform.python_version(), **{n: version(n) for n in names}}


def _picture_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def _pictures(folder: Path) -> list[Image.Image]:
    return [read_rgb(path) for path in _picture_paths(folder)]


def _as_lists(said: list[tuple[PanelPrediction, ...]]) -> list[list[dict[str, Any]]]:
    return [[asdict(p) for p in row] for row in said]


def _from_lists(stored: list[list[dict[str, Any]]]) -> list[tuple[PanelPrediction, ...]]:
    return [tuple(PanelPrediction(**p) for p in row) for row in stored]
