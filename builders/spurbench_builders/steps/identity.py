"""What decides a build's bytes, and which steps of a build another build can take over."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from spurbench.contracts import ClassCard
from spurbench.files import packages_sha256, sha256_json
from spurbench_builders.inputs.pool import PoolPicture, pool_fingerprint
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.models.needed import Models
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.team import Team
from spurbench_builders.threads import threads_for

# Steps that builds of one class can take over from each other, and the parts of a recipe that play
# no part in them.
# (Of threads and device the identity holds what they come to.)
_LATER = {"name", "summary", "audit", "threads", "device"}
INDEPENDENT_OF = {
    "references": _LATER
    | {"base", "base_revision", "prompt", "prior", "training", "similarity", "sampling"},
    "prior": _LATER | {"references", "panel", "training", "similarity"},
    "train": _LATER,
    "sample": _LATER,
}


CODE = ("spurbench", "spurbench_builders", "spurbench_evaluators")
"""The packages whose own code makes pictures and judges them."""


def identity_of(
    request: BuildRequest,
    card: ClassCard,
    pool: Sequence[PoolPicture],
    models: Models,
    team: Team,
) -> dict[str, Any]:
    """Everything that decides the bytes of one class of the request, as JSON has it."""
    device = team.device_name
    on_gpu = device != "cpu"  # a CPU's bytes are the same either way
    return {
        "recipe": request.recipe.model_dump(mode="json"),
        "card": asdict(card),
        "images": request.images,
        "seed": request.seed,
        "references": pool_fingerprint(pool),
        "filtered": request.asks_panel,
        "weights": models.identities,
        "versions": package_versions(request.recipe),
        "device": device,
        "processes": team.size,
        "threads": threads_for(request.recipe.threads),
        **({"deterministic": True} if request.deterministic and on_gpu else {}),
    }


def package_versions(recipe: Recipe) -> dict[str, str]:
    """Versions that can change a build's bytes."""
    names: tuple[str, ...] = (
        "spurbench",
        "torch",
        "torchvision",
        "numpy",
        "diffusers",
        "transformers",
        "timm",
        "pillow",
        "datasets",
    )
    if recipe.training.lora:
        names += ("peft",)
    versions = {n: version(n) for n in names}
    # A version says little while the code changes under it, as in a checkout.
    return {"python": platform.python_version(), **versions, "code": packages_sha256(CODE)}


def step_key(identity: dict[str, Any], name: str, kappa: float) -> str:
    """Hash of everything that a step of INDEPENDENT_OF is made from.

    ``identity`` is all that decides a build's bytes; what plays no part in the step is taken out,
    so a field that is added later counts until someone says that it does not. Where SFSL has no
    weight for the class, its settings play no part.
    """
    identity = dict(identity)
    whole = identity["recipe"]
    recipe = {k: v for k, v in whole.items() if k not in INDEPENDENT_OF[name]}
    if name == "references" and whole["references"]["choice"] != "random":
        recipe["robust"] = whole["similarity"]["robust"]  # whose features say what is like what
    if name != "sample":
        del identity["images"]
    if name == "prior":
        recipe["prompt"] = recipe["prompt"]["prior"]
    elif "prompt" in recipe:
        recipe["prompt"] = {k: v for k, v in recipe["prompt"].items() if k != "contexts"}
    if "similarity" in recipe:
        settings = {**recipe["similarity"], "weight": kappa, "class_weights": {}}
        recipe["similarity"] = settings if kappa else None
    return sha256_json({**identity, "recipe": recipe})
