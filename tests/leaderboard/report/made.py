"""Results whose every probability is chosen: two classes, four pictures a split, twelve outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from spurbench.files import sha256_bytes
from spurbench.scores.answers import Seen, answers
from spurbench.scores.predictions import encode, rows_table
from spurbench.scores.stored import install
from tests.leaderboard.gate.made import CLASSES, SPACE, Board, record

Plan = dict[tuple[str, str], list[tuple[float, int]]]
PLAN: Plan = {
    ("gondola", "generated"): [(0.97, 3), (0.62, 3), (0.31, 5), (0.05, 7)],
    ("gondola", "si"): [(0.55, 3), (0.45, 3), (0.08, 0), (0.02, 5)],
    ("gondola", "val"): [(0.99, 3), (0.85, 3), (0.72, 3), (0.22, 5)],
    ("koala", "generated"): [(0.91, 5), (0.65, 5), (0.35, 1), (0.15, 3)],
    ("koala", "si"): [(0.96, 5), (0.94, 5), (0.40, 1), (0.03, 3)],
    ("koala", "val"): [(0.98, 5), (0.93, 5), (0.66, 5), (0.12, 3)],
}
"""The class's probability and the answer, by class, split and index. An answer that is not the class has
nine tenths of what is left; all other outputs share the rest evenly."""
OTHER: Plan = PLAN | {("koala", "si"): [(0.10, 3), (0.94, 5), (0.40, 1), (0.03, 3)]}
"""Another model: it is not fooled by the koala's first reference."""


def probabilities(label: int, p: float, said: int) -> list[float]:
    named = {label: p} if said == label else {label: p, said: 0.9 * (1 - p)}
    rest = (1 - sum(named.values())) / (12 - len(named))
    return [named.get(output, rest) for output in range(12)]


def planned(
    board: Board, plan: Plan = PLAN, spec: str = "made/one", class_name: str = "", **changes: Any
) -> Path:
    """The result of a model that answers by plan; ``class_name`` is put behind every class's own."""
    pictures = [p for p in board.data.pictures() if (p.slug, p.split) in plan]
    rows = [probabilities(p.label, *plan[p.slug, p.split][p.index]) for p in pictures]
    said = answers(torch.tensor(rows).double().log(), [p.label for p in pictures], SPACE)
    seen = [
        Seen(
            p.sha256, p.slug, p.class_name + class_name, p.label, p.split, p.index, p.origin, answer
        )
        for p, answer in zip(pictures, said, strict=True)
    ]
    own = record(board.data, spec, sha256_bytes(spec.encode()), **changes)
    outcome = install(encode(rows_table(seen), own), board.results)
    assert outcome.path
    return outcome.path


def older(path: Path, version: int) -> Path:
    """The result as that version of its file had it, beside its predictions."""
    data = json.loads(path.read_text(encoding="utf-8")) | {"schema_version": version}
    del data["prevalence"], data["model"]["framing"], data["restricted_generated_minus_si"]
    for score in data["scores"]:
        score["restricted"] = None
    for means in data["means"].values():
        means["restricted"] = None
    if version == 1:
        data["macro"] = {split: means["top1"] for split, means in data.pop("means").items()}
        kept = ("hits", "top1", "mean_probability", "class_name", "slug", "label", "split", "n")
        data["scores"] = [{name: score[name] for name in kept} for score in data["scores"]]
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


assert set(CLASSES) == {slug for slug, _ in PLAN}
