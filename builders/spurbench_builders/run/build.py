"""`spurbench build`: from references to a finished class in a data set folder.

References -> panel -> six consistently spurious ones -> prior pictures -> fine-tuning ->
seeded samples -> audit -> splits. Every step is a method that works in its own folder. Under
`accelerate launch` every process runs this; the steps in SHARED are shared out, the lead does the rest.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench import plugins
from spurbench.contracts import ClassCard, Domain
from spurbench.dataset.write import check_target
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree, sha256_json, write_bytes
from spurbench.pictures import png_bytes, read_rgb
from spurbench_builders.checks.audit import audit, audit_summary
from spurbench_builders.checks.safety import safety_verdicts
from spurbench_builders.inputs import panel as panels
from spurbench_builders.inputs.pool import (
    PoolPicture,
    data_set_pool,
    domain_pool,
    is_data_set,
    own_pool,
    pool_fingerprint,
)
from spurbench_builders.inputs.references import select_references
from spurbench_builders.method.sampling import picture_seed, sample
from spurbench_builders.steps import splits as finish
from spurbench_builders.steps.files_of_step import picture_files
from spurbench_builders.steps.finished import (
    Progress,
    append_line,
    borrow_step,
    is_finished,
    load_json,
    only_one,
    part_folder,
    run_step,
    save_json,
)
from spurbench_builders.steps.identity import INDEPENDENT_OF, step_key
from spurbench_builders.steps.rows import as_lists
from spurbench_builders.team import Team, team

from .request import BuildRequest, Models, package_versions, work_root

if TYPE_CHECKING:
    from PIL import Image

    from spurbench_builders.models.base import BaseModel

PRIOR_SEEDS = 500_000  # prior pictures take their seeds above those of samples
STEPS = ("references", "prior", "train", "sample", "audit", "splits")
SHARED = {"prior", "train", "sample"}


def build(request: BuildRequest) -> Iterator[Progress]:
    """Build every class of the request in turn, yielding progress; finished steps are not repeated."""
    domain = plugins.domain(request.recipe.domain)
    with friendly_disk_errors(request.out):
        check_target(request.out)
    mates = team()
    lock = only_one(work_root(request.out)) if mates.leads else nullcontext()
    with friendly_disk_errors(request.out), lock:
        models = Models(request.recipe, domain, mates)
        models.check(request.classes)
        failures: list[str] = []
        for card in request.classes:
            job = ClassBuild(request, domain, models, card, mates)
            if request.fresh and mates.leads:
                remove_tree(job.root)
            try:
                yield from job.run()
            except UserError as error:
                if mates.size > 1 or len(request.classes) == 1:
                    raise
                failures.append(str(error))
                yield Progress(card.name, "failed", 1, 1, str(error))
        if failures:
            raise UserError(
                f"{len(failures)} of {len(request.classes)} classes were not built: "
                f"{'; '.join(failures)}"
            )


class ClassBuild:
    """One class's build."""

    def __init__(
        self,
        request: BuildRequest,
        domain: Domain,
        models: Models,
        card: ClassCard,
        mates: Team | None = None,
    ) -> None:
        self.request, self.recipe = request, request.recipe
        self.domain, self.models, self.card = domain, models, card
        self.team = mates or Team()

    @cached_property
    def pool(self) -> list[PoolPicture]:
        own = self.request.own_references
        if own is not None and is_data_set(own):
            return data_set_pool(own, self.card.slug, self.recipe.references.pool)
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
            "versions": package_versions(self.recipe),
            "device": self.team.device_name,
            "processes": self.team.size,
        }

    @cached_property
    def root(self) -> Path:
        key = sha256_json(self.identity)[:12]
        return work_root(self.request.out) / f"{self.card.slug}-{key}"

    @property
    def filtered(self) -> bool:
        own = self.request.own_references
        return own is None or is_data_set(own) or self.request.filter_own

    @property
    def prompts(self) -> tuple[str, str]:
        """Instance and prior prompt."""
        words = {"identifier": self.recipe.prompt.identifier, "noun": self.card.noun}
        prompt = self.recipe.prompt
        return prompt.instance.format(**words), prompt.prior.format(**words)

    def step_key(self, name: str) -> str:
        """Hash of everything that a step of INDEPENDENT_OF is made from."""
        return step_key(self.identity, name, self.recipe.similarity.kappa(self.card.name))

    def run(self) -> Iterator[Progress]:
        """Every step in order, then the class's way into the data set folder."""
        yield from self.work()
        if self.team.leads:
            yield from self.install()
        self.team.wait()

    def work(self, steps: Sequence[str] = STEPS) -> Iterator[Progress]:
        """The steps in order, in the work folder."""
        for name in steps:
            if self.team.agreed(self.team.leads and not self._has(name)):
                yield from self._do(name)
            self.team.wait()

    def _has(self, name: str) -> bool:
        if is_finished(self.root, name):
            return True
        if self.request.fresh or name not in INDEPENDENT_OF:
            return False
        return borrow_step(self.root, name, self.step_key(name))

    def _do(self, name: str) -> Iterator[Progress]:
        make = getattr(self, name)
        if not self.team.leads:
            if name in SHARED:
                deque(make(part_folder(self.root, name)), maxlen=0)
            return
        began = time.monotonic()
        key = self.step_key(name) if name in INDEPENDENT_OF else None
        yield from run_step(self.root, name, make, key)
        self._log_time(name, time.monotonic() - began)

    def references(self, folder: Path) -> Iterator[Progress]:
        yield self.progress("references", 0, len(self.pool))
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
        yield self.progress("references", len(self.pool), len(self.pool), summary)

    def prior(self, folder: Path) -> Iterator[Progress]:
        seeds = [
            picture_seed(self.request.seed, PRIOR_SEEDS + i)
            for i in range(self.recipe.prior.images)
        ]
        yield from self._sample("prior", folder, self.models.base, self.prompts[1], seeds)

    def train(self, folder: Path) -> Iterator[Progress]:
        from safetensors.torch import save

        from spurbench_builders.method.finetune import finetune, trained_state, training_set

        model = self.models.base()
        data = training_set(
            model,
            self.models.robust,
            self.card.label,
            self._tensors(self.chosen(), model),
            self._tensors(_pictures(self.root / "prior"), model),
            self.prompts,
            (self.recipe.prompt.identifier, self.card.noun),
            self.recipe.similarity.kappa(self.card.name),
        )
        checkpoint = folder / "checkpoint.pt"
        total, robust = self.recipe.training.steps, self.models.robust
        for log in finetune(
            model, robust, data, self.recipe, self.request.seed, checkpoint, self.team
        ):
            if self.team.leads:
                append_line(folder / "losses.jsonl", log.step, json.dumps(asdict(log)))
            note = f"loss {log.loss:.3f}, similarity {log.similarity:.3f}"
            yield self.progress("train", log.step + 1, total, note)
        if self.team.leads:
            write_bytes(folder / "weights.safetensors", save(trained_state(model)))
            checkpoint.unlink(missing_ok=True)

    def sample(self, folder: Path) -> Iterator[Progress]:
        seeds = self.sample_seeds()
        yield from self._sample("sample", folder, self.trained, self.prompts[0], seeds)

    def audit(self, folder: Path) -> Iterator[Progress]:
        images = _pictures(self.root / "sample")
        yield self.progress("audit", 0, len(images))
        said = panels.panel_predictions(self.models.panel, images, self.card.label)
        findings = audit(images, self.chosen(), self.models.referee, self.card.name)
        safety = safety_verdicts(self.models.base_folder, images, self.team.device)
        summary = panels.panel_summary(self.models.panel, said, self.card.label)
        summary += audit_summary(findings, self.recipe.audit.threshold)
        save_json(
            folder / "audit.json",
            {
                "summary": summary,
                "predictions": as_lists(said),
                "findings": [asdict(f) for f in findings],
                "safety": safety,
            },
        )
        yield self.progress("audit", len(images), len(images), summary)

    def splits(self, folder: Path) -> Iterator[Progress]:
        yield from finish.make_splits(self, folder)

    def install(self) -> Iterator[Progress]:
        """Put the finished class into the data set folder; always done, so a lost folder comes back."""
        yield self.progress("install", 0, 1)
        finish.install(self)
        note = load_json(self.root / "audit" / "audit.json")["summary"]
        yield self.progress("install", 1, 1, note)

    def _sample(
        self, step: str, folder: Path, make_model: Any, prompt: str, seeds: list[int]
    ) -> Iterator[Progress]:
        batch = self.recipe.sampling.batch
        model = None
        for start in range(self.team.rank * batch, len(seeds), batch * self.team.size):
            part = seeds[start : start + batch]
            names = [folder / f"{start + i:05d}.png" for i in range(len(part))]
            yield self.progress(step, start, len(seeds))
            if not all(n.exists() for n in names):
                model = model or make_model()
                (images,) = sample(model, prompt, part, self.recipe.sampling)
                for path, image in zip(names, images, strict=True):
                    write_bytes(path, png_bytes(image))
        self.team.wait()
        if self.team.leads and len(picture_files(folder)) != len(seeds):
            raise UserError(
                f"{folder}: holds {len(picture_files(folder))} of {len(seeds)} pictures; processes on "
                "several machines need one shared folder"
            )
        yield self.progress(step, len(seeds), len(seeds))

    def trained(self) -> BaseModel:
        """The base model with this build's trained weights."""
        from safetensors.torch import load_file

        from spurbench_builders.method.finetune import load_trained_state

        model = self.models.base()
        load_trained_state(model, load_file(self.root / "train" / "weights.safetensors"))
        return model

    def chosen(self) -> list[Image.Image]:
        """The pictures that are trained on."""
        chosen = load_json(self.root / "references" / "references.json")["chosen"]
        return [self.pool[i].image() for i in chosen]

    def _tensors(self, images: list[Image.Image], model: BaseModel) -> Any:
        import torch

        from spurbench.contracts import Transform
        from spurbench.prediction import framed, to_tensor

        square = Transform("crop", model.picture_size, model.picture_size)
        return torch.stack([to_tensor(framed(i, square)) for i in images])

    def sample_seeds(self) -> list[int]:
        """Seeds of the pictures, in order."""
        return [picture_seed(self.request.seed, i) for i in range(self.request.images)]

    def progress(self, step: str, done: int, total: int, note: str = "") -> Progress:
        """An event of this class."""
        return Progress(self.card.name, step, done, total, note)

    def _log_time(self, step: str, seconds: float) -> None:
        path = self.root / "timings.json"
        known = load_json(path) if path.exists() else {}
        save_json(path, known | {step: round(seconds, 2)})


def _pictures(folder: Path) -> list[Image.Image]:
    return [read_rgb(path) for path in picture_files(folder)]
