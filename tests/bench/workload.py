"""What a training benchmark trains, the same for both sides: models, pictures, options."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from spurbench import plugins
from spurbench_builders.models.where import base_model_folder
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.recipes.model import Network, Recipe
from tests.bench.random_sd15 import make_pipeline, make_resnet50

SIZES = ("micro", "sd15")
PICTURES = {"micro": (6, 24), "sd15": (2, 2)}  # references and priors; a step takes one of each
NOUN = "flower"


@dataclass(frozen=True)
class Workload:
    """A base model's folder, a recipe that trains all of it, folders of PNG files of the base
    model's size, and the device, ``cpu`` or ``cuda``."""

    base: Path
    recipe: Recipe
    references: Path
    priors: Path
    device: str

    @property
    def prompts(self) -> tuple[str, str]:
        """Of the references and of the priors."""
        words = {"identifier": self.recipe.prompt.identifier, "noun": NOUN}
        prompt = self.recipe.prompt
        return prompt.instance.format(**words), prompt.prior.format(**words)

    def with_training(self, **changed: object) -> Workload:
        """The same with some of the recipe's training settings changed."""
        training = self.recipe.training.model_copy(update=changed)
        return replace(self, recipe=self.recipe.model_copy(update={"training": training}))

    def with_base(self, base: Path) -> Workload:
        """The same on another base model of the same size."""
        return replace(self, base=base)

    def save(self, path: Path) -> Path:
        """Write it where a child process can read it."""
        data = {
            **{k: str(getattr(self, k)) for k in ("base", "references", "priors", "device")},
            "recipe": self.recipe.model_dump(mode="json"),
        }
        path.write_text(json.dumps(data), encoding="utf-8")
        return path


def load_workload(path: Path) -> Workload:
    """What ``save`` wrote."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    folders = {k: Path(data[k]) for k in ("base", "references", "priors")}
    recipe = Recipe.model_validate(data["recipe"])
    return Workload(recipe=recipe, device=data["device"], **folders)


def make_workload(
    size: str, folder: Path, steps: int, device: str = "cpu", precision: str = "fp32"
) -> Workload:
    """The shipped micro base model, or random weights of Stable Diffusion 1.5's shape (about
    4.4 GB below ``folder``, made once), with pictures of noise."""
    recipe = load_recipe(size)
    if size == "micro":
        base = base_model_folder(recipe.base, None, plugins.domain(recipe.domain))
        changed: dict[str, object] = {}
    else:
        base = make_pipeline(folder / size)
        robust = Network(spec="timm/resnet50", weights=str(make_resnet50(folder / size)))
        # Few steps cannot show a mean over steps with and without SFSL: let every step have it.
        changed = {"robust": robust, "time_bound": None}
    pixels, (references, priors) = _pixels(base), PICTURES[size]
    similarity = recipe.similarity.model_copy(update=changed)
    workload = Workload(
        base,
        recipe.model_copy(update={"similarity": similarity}),
        _pictures(folder / f"references-{pixels}", references, pixels, seed=0),
        _pictures(folder / f"priors-{pixels}", priors, pixels, seed=1),
        device,
    )
    return workload.with_training(steps=steps, precision=precision)


def _pixels(base: Path) -> int:
    config = json.loads((base / "vae" / "config.json").read_text(encoding="utf-8"))
    return int(config["sample_size"])


def _pictures(folder: Path, count: int, pixels: int, seed: int) -> Path:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        noise = rng.integers(0, 256, (pixels, pixels, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{i:02}.png")
    return folder


def read_pictures(folder: Path) -> torch.Tensor:
    """A folder's PNG files (N, 3, H, W) in [0, 1]."""
    files = sorted(folder.glob("*.png"))
    pixels = np.stack([np.asarray(Image.open(f), dtype=np.float32) for f in files])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255


def script_options(workload: Workload, output: Path) -> list[str]:
    """The options with which diffusers' train_dreambooth.py does the workload's work."""
    training = workload.recipe.training
    instance, prior = workload.prompts
    beta1, beta2 = training.betas
    values: dict[str, object] = {
        "pretrained_model_name_or_path": workload.base,
        "instance_data_dir": workload.references,
        "instance_prompt": instance,
        "class_data_dir": workload.priors,
        "class_prompt": prior,
        "num_class_images": len(list(workload.priors.iterdir())),
        "prior_loss_weight": training.prior_weight,
        "resolution": _pixels(workload.base),
        "train_batch_size": training.batch,
        "learning_rate": training.learning_rate,
        "adam_beta1": beta1,
        "adam_beta2": beta2,
        "adam_epsilon": training.epsilon,
        "adam_weight_decay": training.weight_decay,
        "max_grad_norm": training.max_gradient_norm,
        "lr_scheduler": "constant",
        "max_train_steps": training.steps,
        "checkpointing_steps": 10 * training.steps,
        "mixed_precision": {"fp32": "no", "bf16": "bf16"}[training.precision],
        "output_dir": output,
        "seed": 0,
    }
    flags = ["--with_prior_preservation", "--train_text_encoder"]
    flags += ["--gradient_checkpointing"] * training.gradient_checkpointing
    return [f"--{name}={value}" for name, value in values.items()] + flags
