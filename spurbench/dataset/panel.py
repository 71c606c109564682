"""Table 1 of a data set: what each member of the panel takes for the class, from the manifest alone."""

from __future__ import annotations

from collections.abc import Sequence

from spurbench.markdown import code

from .manifest import ClassEntry, Manifest

Shares = tuple[float | None, float | None]
"""Spurious accuracy in [0, 1] of the kinds `si` and `generated`."""


def table1(manifest: Manifest) -> str:
    """A row a class and their mean, a column a classifier: spurious accuracy in %, references /
    generated pictures. Empty where no class has predictions of both kinds."""
    found = {slug: _shares(entry) for slug, entry in manifest.classes.items()}
    rows = {slug: said for slug, said in found.items() if _both(said)}
    models = sorted({model for said in rows.values() for model in said})
    if not rows:
        return ""
    lines = [f"| | {' | '.join(map(code, models))} | mean |", f"|{'---|' * (len(models) + 2)}"]
    for slug, said in rows.items():
        cells = [said.get(model, (None, None)) for model in models]
        lines.append(_line(f"`{slug}`", [*cells, _mean(cells)]))
    if len(rows) > 1:
        columns = [
            _mean([said.get(model, (None, None)) for said in rows.values()]) for model in models
        ]
        lines.append(_line("mean", [*columns, _mean(columns)]))
    return "\n".join(lines)


def _shares(entry: ClassEntry) -> dict[str, Shares]:
    """Each member's spurious accuracy by kind, over all splits of the kind together."""
    hits: dict[tuple[str, str], int] = {}
    counts: dict[tuple[str, str], int] = {}
    for split in entry.splits.values():
        for model, hit in (split.summary.panel if split.summary else {}).items():
            key = model, split.kind
            hits[key] = hits.get(key, 0) + hit
            counts[key] = counts.get(key, 0) + split.pictures
    share = {key: hits[key] / counts[key] for key in hits if counts[key]}
    return {
        model: (share.get((model, "si")), share.get((model, "generated"))) for model, _ in share
    }


def _both(said: dict[str, Shares]) -> bool:
    return any(si is not None and made is not None for si, made in said.values())


def _mean(cells: Sequence[Shares]) -> Shares:
    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    return mean([si for si, _ in cells]), mean([made for _, made in cells])


def _line(title: str, cells: Sequence[Shares]) -> str:
    shown = (" / ".join("" if v is None else f"{100 * v:.1f}" for v in cell) for cell in cells)
    return f"| {title} | {' | '.join(shown)} |"
