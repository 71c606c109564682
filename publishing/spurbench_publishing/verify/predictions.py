"""Checks of what the panel said of a split's pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from spurbench.reading import finite

from .context import Looked, SplitSeen
from .report import Finding


def predictions(seen: SplitSeen) -> Iterator[Finding]:
    """Models, labels and probabilities, and the column that is made of them."""
    members = _members(seen)
    for picture in seen.pictures:
        said = _said(picture)
        models = [one.get("model") for one in said]
        if models != members:
            told, usual = (", ".join(map(str, names)) or "none" for names in (models, members))
            yield seen.finding("panel", picture, f"{told}; it should be {usual}")
        for one in said:
            problem = _problem(one)
            if problem:
                yield seen.finding("prediction", picture, f"{one.get('model')}: {problem}")
        fools = all(one.get("label") == seen.split.of.label for one in said) if said else None
        verdict = picture.row.get("consistently_spurious")
        if verdict != fools:
            yield seen.finding("consistently-spurious", picture, f"{verdict}, not {fools}")


def _said(picture: Looked) -> list[dict[str, Any]]:
    return [dict(one or {}) for one in picture.row.get("predictions") or []]


def _members(seen: SplitSeen) -> list[Any]:
    """The panel: that of the recorded recipe, else the one that most pictures have."""
    split = seen.split
    if split.of_one_build and split.entry.kind != "val":
        panel = split.of.provenance["recipe"].get("panel")
        if isinstance(panel, list):
            return [one.get("spec") if isinstance(one, dict) else one for one in panel]
    found = Counter(tuple(one.get("model") for one in _said(p)) for p in seen.pictures)
    return [*found.most_common(1)[0][0]] if found else []


def _problem(one: dict[str, Any]) -> str:
    """What is wrong with a prediction; empty for nothing."""
    label, probability = one.get("label"), one.get("probability")
    if not one.get("model"):
        return "no model"
    if label is None or label < -1:
        return f"the label {label}"
    if probability is None or not finite(probability) or not 0 <= probability <= 1:
        return f"the probability {probability}"
    return ""
