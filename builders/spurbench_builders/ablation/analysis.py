"""From an ablation's counts to means, intervals and paired differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from spurbench.scores.significance import LEVEL, holm
from spurbench.scores.statistics import Estimate, crossed_mean, crossed_p_value

from .run import all_counts
from .variants import TEXT_ENCODER, VANILLA

Counts = dict[str, Any]
Share = Callable[[Counts], float]
NOT_MEASURED = "not measured"
"""What takes a referee, and there was none: never a 0."""


def accuracy(counts: Counts) -> float:
    """Spurious accuracy: mean over the panel of the share of pictures taken for the class."""
    return float(np.mean(counts["hits"])) / int(counts["n"])


def clean_accuracy(counts: Counts) -> float:
    """The same, a picture in which the referee finds the class's object counting as a miss; NaN
    without a referee."""
    if counts["clean_hits"] is None:
        return math.nan
    return float(np.mean(counts["clean_hits"])) / int(counts["n"])


def consistent(counts: Counts) -> float:
    """Share of pictures that fool the whole panel."""
    return float(counts["consistent"]) / int(counts["n"])


def object_rate(counts: Counts) -> float:
    """Share of pictures in which the referee finds the class's object; NaN without a referee."""
    if counts["object_found"] is None:
        return math.nan
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
    # The bounds last: max and min give their first argument where the other is NaN.
    return Estimate(mean.value, max(mean.low, 0.0), min(mean.high, 1.0))


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


@dataclass(frozen=True)
class Claim:
    """A paired difference that the verdict speaks of, with its p-value corrected for its
    sentence's number of them."""

    gap: Estimate
    p_value: float

    @property
    def effect(self) -> str:
        """In words."""
        if not self.p_value <= LEVEL:  # NaN, too: one class shows nothing
            return "cannot be told from"
        return "beats" if self.gap.value > 0 else "falls behind"


def claims(record: dict[str, Any], rows: list[Summary]) -> dict[tuple[str, ...], Claim]:
    """Everything that the verdict says, each sentence's claims corrected for their number (Holm).

    By what is compared: a row with another by name, ``"clean"`` where pictures with the object count
    as misses; two kappas by name and two readings, averaged over the kappas, by theirs, with those
    pictures as misses too. Without a referee there are no ``"clean"`` ones, and kappas and readings are
    compared by all hits.
    """
    raw = {row.name: values(record, row.name, accuracy) for row in rows}
    clean = {row.name: values(record, row.name, clean_accuracy) for row in rows}
    refereed = _refereed(rows)
    best = clean if refereed else raw
    readings = _readings(rows)
    found = _corrected({(TEXT_ENCODER, VANILLA): raw[TEXT_ENCODER] - raw[VANILLA]})
    for group in readings.values():
        tables: dict[tuple[str, ...], np.ndarray] = {}
        for row in group:
            tables[row.name, TEXT_ENCODER] = raw[row.name] - raw[TEXT_ENCODER]
            if refereed:
                tables[row.name, TEXT_ENCODER, "clean"] = clean[row.name] - clean[TEXT_ENCODER]
        for one, other in combinations(group, 2):
            tables[one.name, other.name] = best[one.name] - best[other.name]
        found |= _corrected(tables)
    means = {k: np.mean([best[row.name] for row in group], axis=0) for k, group in readings.items()}
    between: dict[tuple[str, ...], np.ndarray] = {
        (a, b): means[a] - means[b] for a, b in combinations(readings, 2)
    }
    return found | _corrected(between)


def _corrected(tables: Mapping[tuple[str, ...], np.ndarray]) -> dict[tuple[str, ...], Claim]:
    p_values = holm([crossed_p_value(table) for table in tables.values()])
    return {
        key: Claim(crossed_mean(table), p_value)
        for (key, table), p_value in zip(tables.items(), p_values, strict=True)
    }


def verdict(record: dict[str, Any], rows: list[Summary]) -> list[str]:
    """In words: does SFSL help, in which reading, at which kappa; what is called a difference is one
    at the 5 % level after Holm's correction for all that its sentence compares."""
    found = claims(record, rows)
    text = found[TEXT_ENCODER, VANILLA]
    readings = _readings(rows)
    alone = f"Training the text encoder {text.effect} vanilla DreamBooth by itself"
    said = [f"{alone} ({signed(text.gap)} points)."]
    said += [_of_reading(reading, group, found) for reading, group in readings.items()]
    how = ", pictures that show the object as misses" if _refereed(rows) else ""
    for first, second in combinations(readings, 2):
        between = found[first, second]
        said.append(
            f"Over the kappas tried, `{first}` {between.effect} `{second}` ({signed(between.gap)} "
            f"points{how})."
        )
    return said


def _refereed(rows: list[Summary]) -> bool:
    """Whether a referee looked for the object in the pictures."""
    return not any(math.isnan(row.clean.value) for row in rows)


def _readings(rows: list[Summary]) -> dict[str, list[Summary]]:
    readings: dict[str, list[Summary]] = {}
    for row in rows:
        if row.reading:
            readings.setdefault(row.reading, []).append(row)
    return readings


def _of_reading(reading: str, group: list[Summary], found: dict[tuple[str, ...], Claim]) -> str:
    raw = _effects([found[row.name, TEXT_ENCODER] for row in group])
    what = f"SFSL `{reading}` {raw} the row without SFSL"
    if not _refereed(group):
        each = "; ".join(f"kappa {row.kappa:g}: {signed(row.from_text_encoder)}" for row in group)
        what += "; whether its pictures show the object was not measured"
        return f"{what} ({each}).{_between_kappas(group, found)}"
    each = "; ".join(
        f"kappa {row.kappa:g}: {signed(row.from_text_encoder)}, "
        f"without pictures that show the object {signed(row.clean_from_text_encoder)}"
        for row in group
    )
    clean = _effects([found[row.name, TEXT_ENCODER, "clean"] for row in group])
    if clean == raw:
        what += ", also when pictures that show the object count as misses"
    else:
        what += f"; when pictures that show the object count as misses, it {clean} that row"
    return f"{what} ({each}).{_between_kappas(group, found)}"


def _between_kappas(group: list[Summary], found: dict[tuple[str, ...], Claim]) -> str:
    apart = []
    for one, other in combinations(group, 2):
        claim = found[one.name, other.name]
        if claim.p_value <= LEVEL:
            apart.append(
                f"{one.kappa:g} {claim.effect} {other.kappa:g} ({signed(claim.gap)} points)"
            )
    if len(group) < 2:
        return ""
    if not apart:
        return " The kappas tried cannot be told from one another."
    return f" Of the kappas, {'; '.join(apart)}."


def _effects(each: list[Claim]) -> str:
    effects = {claim.effect for claim in each}
    if len(effects) == 1:
        return effects.pop()
    return f"{' or '.join(sorted(effects))} (depending on kappa)"


def signed(estimate: Estimate) -> str:
    """``+12.3 [4.5, 20.1]``, in points of a percentage."""
    if math.isnan(estimate.value):
        return NOT_MEASURED
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:+.1f} [{low:+.1f}, {high:+.1f}]"


def percent(estimate: Estimate) -> str:
    """``81.3 [71.1, 88.5]``, in percent."""
    if math.isnan(estimate.value):
        return NOT_MEASURED
    return f"{100 * estimate.value:.1f} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"
