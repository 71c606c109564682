"""The zoo's members, as zoo.yaml says them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from scripts.train_micro.classifiers import ClassifierRecipe

ZOO = Path(__file__).with_name("zoo.yaml")


@dataclass(frozen=True)
class Data:
    """What training pictures show; the fields are explained in zoo.yaml."""

    name: str
    companion_rate: float
    other_rate: float
    absent_rate: float
    style: str


@dataclass(frozen=True)
class Member:
    """A classifier of the zoo.

    ``grey`` is the chance that a batch loses its colours; ``balanced`` draws pictures with and without
    the class's companion equally often. One with a ``start`` goes on from that member for ``steps``
    steps, with all its layers or its ``head`` alone.
    """

    name: str
    architecture: str
    recipe: ClassifierRecipe
    data: Data
    kind: str = ""
    grey: float = 0.0
    balanced: bool = False
    start: str | None = None
    steps: int = 0
    layers: str = "all"


def members() -> list[Member]:
    """All of them in the file's order, those that others start from first."""
    zoo = yaml.safe_load(ZOO.read_text(encoding="utf-8"))
    data = {name: Data(name, **{**zoo["defaults"], **said}) for name, said in zoo["data"].items()}
    found = [
        _member(zoo["architectures"][of], of, data[on], entry)
        for entry in zoo["members"]
        for of in entry["of"]
        for on in entry["data"]
    ]
    seeded = [
        replace(member, recipe=replace(member.recipe, seed=1000 + i))
        for i, member in enumerate(found)
    ]
    return sorted(seeded, key=lambda member: member.start is not None)


def _member(architecture: dict[str, Any], of: str, data: Data, entry: dict[str, Any]) -> Member:
    kind = str(entry.get("name", ""))
    recipe = ClassifierRecipe(
        architecture["family"],
        architecture["options"],
        int(entry.get("epochs", architecture["epochs"])),
        float(architecture["rate"]),
        smoothing=float(entry.get("smoothing", 0.0)),
        jitter=float(entry.get("jitter", 0.0)),
        erase=float(entry.get("erase", 0.0)),
        epsilon=float(entry.get("epsilon", 0.0)) / 255,
    )
    start = f"{of}-{entry['start']}" if "start" in entry else None
    name = f"{start}-{kind}" if start else "-".join(filter(None, (of, kind, data.name)))
    extra = {key: entry[key] for key in ("grey", "balanced", "steps", "layers") if key in entry}
    return Member(name, of, recipe, data, kind, start=start, **extra)
