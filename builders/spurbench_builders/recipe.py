"""A recipe: everything that decides what a build makes, as frozen data read from YAML."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from spurbench.errors import UserError, unknown
from spurbench.files import sha256_json


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Prompt(_Part):
    """Prompt templates; ``identifier`` is DreamBooth's [V], a rare word of three characters."""

    identifier: str = Field(min_length=1)
    instance: str
    prior: str

    @field_validator("instance", "prior")
    @classmethod
    def _fills(cls, template: str) -> str:
        try:
            template.format(identifier="sks", noun="flower")
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise ValueError("may hold {identifier} and {noun} only") from error
        return template


class References(_Part):
    """Pictures taken from the domain's pool, consistently spurious ones trained on, and
    validation pictures shipped beside the split."""

    pool: int = Field(ge=1)
    count: int = Field(ge=1)
    validation: int = Field(ge=0)


class Prior(_Part):
    """Pictures of the plain noun that the base model makes before training (Eq. 2)."""

    images: int = Field(ge=1)


class Training(_Part):
    """AdamW's settings, and ``prior_weight``, the paper's lambda (Eq. 3)."""

    steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    epsilon: float = Field(gt=0)
    train_text_encoder: bool
    prior_weight: float = Field(ge=0)


class Similarity(_Part):
    """The spurious feature similarity loss: its reading (see losses.py), and ``weight``, the
    paper's kappa (Eq. 6), on the features of the robust classifier. ``class_weights`` replaces
    kappa for classes by name, as the paper recommends (section 4.3)."""

    reading: Literal["attract", "contrast"]
    weight: float = Field(ge=0)
    class_weights: dict[str, Annotated[float, Field(ge=0)]] = {}
    robust: str

    def kappa(self, class_name: str) -> float:
        """The loss's weight for a class."""
        return self.class_weights.get(class_name, self.weight)


class Sampling(_Part):
    """Seeded PNDM sampling with classifier-free guidance; ``batch`` pictures at a time."""

    steps: int = Field(ge=2)
    guidance: float = Field(ge=0)
    batch: int = Field(ge=1)


class Audit(_Part):
    """The referee that looks for the object, and the probability above which it is found."""

    referee: str | None
    threshold: float = Field(gt=0, lt=1)


class Recipe(_Part):
    """A complete build configuration."""

    name: str
    summary: str
    domain: str
    base: str
    prompt: Prompt
    references: References
    panel: tuple[str, ...] = Field(min_length=1)
    prior: Prior
    training: Training
    similarity: Similarity
    sampling: Sampling
    audit: Audit

    def fingerprint(self) -> str:
        """SHA-256 over every field."""
        return sha256_json(self.model_dump(mode="json"))


def recipe_names() -> list[str]:
    """Names of the recipes that ship with the package."""
    folder = resources.files(__package__) / "recipes"
    return sorted(
        p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml")
    )


def load_recipe(name: str) -> Recipe:
    """A shipped recipe by name, or one of the user's by the path of its YAML file."""
    path = Path(name)
    if name.endswith((".yaml", ".yml")):
        if not path.is_file():
            raise UserError(f"{path}: no such recipe file")
        text, where = path.read_text(encoding="utf-8", errors="replace"), str(path)
    elif name in recipe_names():
        source = resources.files(__package__) / "recipes" / f"{name}.yaml"
        text, where = source.read_text(encoding="utf-8"), f"recipe {name}"
    else:
        raise unknown("recipe", name, recipe_names(), "or give the path of a .yaml file")
    return parse_recipe(text, where)


def parse_recipe(text: str, where: str) -> Recipe:
    """Check a recipe's YAML; UserError lists every fault at once."""
    try:
        data: Any = yaml.safe_load(text)
        return Recipe.model_validate(data)
    except yaml.YAMLError as error:
        raise UserError(f"{where}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(p) for p in e['loc']) or 'the whole'}: {e['msg']}"
            for e in error.errors()
        ]
        raise UserError(f"{where}: {'; '.join(faults)}") from error
