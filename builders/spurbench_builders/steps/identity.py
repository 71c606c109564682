"""Which steps of a build another build can take over: a hash of exactly what each is made from."""

from __future__ import annotations

from typing import Any

from spurbench.files import sha256_json

# Steps that builds of one class can take over from each other, and the parts of a recipe that play
# no part in them.
_LATER = {"name", "summary", "audit"}
INDEPENDENT_OF = {
    "references": _LATER
    | {"base", "base_revision", "prompt", "prior", "training", "similarity", "sampling"},
    "prior": _LATER | {"references", "panel", "training", "similarity"},
    "train": _LATER,
    "sample": _LATER,
}


def step_key(identity: dict[str, Any], name: str, kappa: float) -> str:
    """Hash of everything that a step of INDEPENDENT_OF is made from.

    ``identity`` is all that decides a build's bytes; what plays no part in the step is taken out,
    so a field that is added later counts until someone says that it does not. Where SFSL has no
    weight for the class, its settings play no part.
    """
    identity = dict(identity)
    recipe = {k: v for k, v in identity["recipe"].items() if k not in INDEPENDENT_OF[name]}
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
