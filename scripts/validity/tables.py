"""The recorded zoo and its scores as arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .reliance import Reliance, reliance
from .scores import unpacked

Array = NDArray[np.float64]
SCORES = ("spurious accuracy", "mean p", "1 - AUC", "consistent share")
TRUTHS = tuple(field.name for field in fields(Reliance))


@dataclass(frozen=True)
class Tables:
    """Networks, those of the zoo first, then the panel's; classes; and by data set the hits."""

    zoo: dict[str, dict[str, Any]]
    panel: list[str]
    classes: list[str]
    panel_facts: dict[str, dict[str, Any]]
    answers: dict[str, Any]
    scores: dict[str, Any]

    def truth(self, kind: str, networks: list[str], reading: int = 0) -> Array:
        """Reliance (M, K) of a kind, from shares of answers (reading 0) or mean p (1)."""
        return np.array(
            [
                [getattr(reliance(self.answers[m][k], reading), kind) for k in self.classes]
                for m in networks
            ]
        )

    def hits(self, name: str, networks: list[str]) -> NDArray[np.bool_]:
        """(M, K, n): what each network took for the class."""
        return np.array(
            [[unpacked(self.scores[m][name][k]["hits"]) for k in self.classes] for m in networks]
        )

    def score(self, kind: str, name: str, networks: list[str]) -> Array:
        """A score (M, K) of the data set."""
        if kind == "spurious accuracy":
            return np.asarray(self.hits(name, networks).mean(axis=2))
        if kind == "consistent share":
            everyone = self.hits(name, self.panel).all(axis=0)  # (K, n)
            return np.asarray((self.hits(name, networks) & everyone).mean(axis=2))
        key = {"mean p": "p", "1 - AUC": "auc"}[kind]
        values = np.array([[self.scores[m][name][k][key] for k in self.classes] for m in networks])
        return 1 - values if key == "auc" else values


def read_tables(zoo_record: Path, scores_record: Path) -> Tables:
    """From docs/runs/zoo.json and docs/runs/zoo-scores.json."""
    zoo = json.loads(zoo_record.read_text(encoding="utf-8"))["members"]
    scores = json.loads(scores_record.read_text(encoding="utf-8"))["networks"]
    panel = [name for name in zoo if name.startswith("panel/")]
    classes = list(next(iter(zoo.values()))["answers"])
    answers = {name: member["answers"] for name, member in zoo.items()}
    return Tables(
        {name: member for name, member in zoo.items() if name not in panel},
        panel,
        classes,
        {name: zoo[name] for name in panel},
        answers,
        scores,
    )
