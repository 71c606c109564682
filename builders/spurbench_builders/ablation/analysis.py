"""From an ablation's counts to means, intervals and paired differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from spurbench.scores.statistics import Estimate, crossed_mean

from .run import all_counts
from .variants import TEXT_ENCODER, VANILLA

Counts = dict[str, Any]
Share = Callable[[Counts], float]


def accuracy(counts: Counts) -> float:
    """Spurious accuracy: mean over the panel of the share of pictures taken for the class."""
    return float(np.mean(counts["hits"])) / int(counts["n"])


def clean_accuracy(counts: Counts) -> float:
    """The same, a picture in which the referee finds the class's object counting as a miss."""
    return float(np.mean(counts["clean_hits"])) / int(counts["n"])


def consistent(counts: Counts) -> float:
    """Share of pictures that fool the whole panel."""
    return float(counts["consistent"]) / int(counts["n"])


def object_rate(counts: Counts) -> float:
    """Share of pictures in which the referee finds the class's object."""
    return float(counts["object_found"]) / int(counts["n"])


@dataclass(frozen=True)
class Summary:
    """A variant over classes and seeds: shares in [0, 1], and paired differences in [-1, 1] from
    vanilla DreamBooth and from the row without SFSL, in ``accuracy`` and in ``clean``."""

    name: str
    title: str
    reading: str | None
    kappa: float | None
    accuracy: Estimate
    clean: Estimate
    consistent: Estimate
    objects: Estimate
    from_vanilla: Estimate
    from_text_encoder: Estimate
    clean_from_text_encoder: Estimate


def values(record: dict[str, Any], variant: str, share: Share) -> np.ndarray:
    """The share by class (row) and seed (column)."""
    by_cell = {(c["class"], c["seed"]): share(c) for c in all_counts(record, variant)}
    return np.array([[by_cell[name, s] for s in record["seeds"]] for name in record["classes"]])


def share_estimate(table: np.ndarray) -> Estimate:
    """Mean of a table of shares, its interval kept within [0, 1]."""
    mean = crossed_mean(table)
    return Estimate(mean.value, max(0.0, mean.low), min(1.0, mean.high))


def summaries(record: dict[str, Any]) -> list[Summary]:
    """A summary of the untrained base model and of each variant, in the record's order."""
    rows = [
        {"name": "base", "title": "Base model, untrained, prompt without [V]"},
        *record["variants"],
    ]
    vanilla = values(record, VANILLA, accuracy)
    plain = values(record, TEXT_ENCODER, accuracy)
    plain_clean = values(record, TEXT_ENCODER, clean_accuracy)
    summarised = []
    for row in rows:
        own = values(record, row["name"], accuracy)
        clean = values(record, row["name"], clean_accuracy)
        summarised.append(
            Summary(
                row["name"],
                row["title"],
                row.get("reading"),
                row.get("kappa"),
                share_estimate(own),
                share_estimate(clean),
                share_estimate(values(record, row["name"], consistent)),
                share_estimate(values(record, row["name"], object_rate)),
                crossed_mean(own - vanilla),
                crossed_mean(own - plain),
                crossed_mean(clean - plain_clean),
            )
        )
    return summarised


def verdict(record: dict[str, Any], rows: list[Summary]) -> list[str]:
    """In words: does SFSL help, in which reading, at which kappa. One sentence a claim."""
    text = next(row for row in rows if row.name == TEXT_ENCODER)
    alone = f"Training the text encoder {_effect(text.from_vanilla)} vanilla DreamBooth by itself"
    readings: dict[str, list[Summary]] = {}
    for row in rows:
        if row.reading:
            readings.setdefault(row.reading, []).append(row)
    said = [f"{alone} ({signed(text.from_vanilla)} points)."]
    said += [_of_reading(reading, group) for reading, group in readings.items()]
    said += [_between(record, a, b) for a, b in combinations(readings.items(), 2)]
    return said


def _of_reading(reading: str, group: list[Summary]) -> str:
    each = "; ".join(
        f"kappa {row.kappa:g}: {signed(row.from_text_encoder)}, "
        f"without pictures that show the object {signed(row.clean_from_text_encoder)}"
        for row in group
    )
    raw = _effects([row.from_text_encoder for row in group])
    clean = _effects([row.clean_from_text_encoder for row in group])
    what = f"SFSL `{reading}` {raw} the row without SFSL"
    if clean == raw:
        what += ", also when pictures that show the object count as misses"
    else:
        what += f"; when pictures that show the object count as misses, it {clean} that row"
    helping = [row for row in group if row.clean_from_text_encoder.low > 0]
    if helping:
        best = max(helping, key=lambda row: row.clean.value)
        end = f"Of the kappas shown to help, {best.kappa:g} gives the most."
    else:
        end = "At none of the kappas tried is it shown to help."
    return f"{what} ({each}). {end}"


def _between(
    record: dict[str, Any], first: tuple[str, list[Summary]], second: tuple[str, list[Summary]]
) -> str:
    """Two readings against each other, averaged over the kappas, pictures with the object as misses."""
    means = [
        np.mean([values(record, row.name, clean_accuracy) for row in group], axis=0)
        for _, group in (first, second)
    ]
    gap = crossed_mean(means[0] - means[1])
    return (
        f"Over the kappas tried, `{first[0]}` {_effect(gap)} `{second[0]}` ({signed(gap)} points, "
        "pictures that show the object as misses)."
    )


def _effects(differences: list[Estimate]) -> str:
    effects = {_effect(d) for d in differences}
    if len(effects) == 1:
        return effects.pop()
    return f"{' or '.join(sorted(effects))} (depending on kappa)"


def _effect(difference: Estimate) -> str:
    if difference.low > 0:
        return "beats"
    if difference.high < 0:
        return "falls behind"
    return "cannot be told from"


def signed(estimate: Estimate) -> str:
    """``+12.3 [4.5, 20.1]``, in points of a percentage."""
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:+.1f} [{low:+.1f}, {high:+.1f}]"


def percent(estimate: Estimate) -> str:
    """``81.3 [71.1, 88.5]``, in percent."""
    return f"{100 * estimate.value:.1f} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"
