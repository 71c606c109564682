"""Table 1 of the paper on the micro world: builds, scores, and the table in README and docs.

    python scripts/table1.py run --work build/table1     (about 25 minutes on two cores)
    python scripts/table1.py render

`run` builds all six classes with the default recipe for each seed, scores the panel on every build
and records the counts in docs/runs/table1.json; it goes on where it was stopped. `render` writes
the table from that record between the markers of README.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spurbench import plugins
from spurbench.dataset.read import open_data_set
from spurbench.files import copy_file, write_text
from spurbench.statistics import Estimate, clustered_mean

if TYPE_CHECKING:
    from spurbench_builders.recipe import Recipe

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "runs" / "table1.json"
IMAGES = ROOT / "docs" / "images"
BOARD = ROOT / "leaderboard" / "results"
BEGIN, END = "<!-- table1:begin -->", "<!-- table1:end -->"


def run(work: Path, seeds: list[int]) -> None:
    """Build, score and record."""
    from spurbench_builders.build import build
    from spurbench_builders.recipe import load_recipe
    from spurbench_builders.request import BuildRequest

    recipe = load_recipe("micro")
    cards = tuple(plugins.domain("micro").cards())
    record: dict[str, Any] = {"recipe": recipe.model_dump(mode="json"), "seeds": []}
    for seed in seeds:
        out = work / f"seed{seed}"
        for event in build(BuildRequest(recipe, cards, 75, seed, out)):
            if event.done == event.total:
                print(f"seed {seed}: {event.class_name}: {event.step} {event.note}", flush=True)
        results = BOARD if seed == 0 else work / "results"
        record["seeds"].append({"seed": seed, **score(out, recipe, results)})
    if len(seeds) > 1:
        write_text(RECORD, json.dumps(record, indent=1) + "\n")
        IMAGES.mkdir(exist_ok=True)
        copy_file(work / "seed0" / "contact" / "hummingbird.png", IMAGES / "hummingbird.png")


def score(out: Path, recipe: Recipe, results: Path) -> dict[str, Any]:
    """Hits by model, class and split, from `spurbench eval`; the audit's counts by class."""
    from spurbench_evaluators.scoring import score_one

    data = open_data_set(out)
    hits: dict[str, dict[str, dict[str, list[int]]]] = {}
    for spec in recipe.panel:
        result = score_one(plugins.classifier(spec), data, results, 64, quiet=True)
        for s in result.scores:
            hits.setdefault(spec, {}).setdefault(s.class_name, {})[s.split] = [s.hits, s.n]
    audited = audit_counts(out, recipe.audit.threshold)
    return {"version": data.manifest.version, "hits": hits, "audit": audited}


def audit_counts(out: Path, threshold: float) -> dict[str, dict[str, float]]:
    """By class: generated pictures, those with the object, degenerate ones, those that fool all."""
    from pyarrow import parquet

    counts = {}
    for entry in open_data_set(out).manifest.classes.values():
        rows = parquet.read_table(out / entry.splits["generated"].path).to_pylist()
        counts[entry.name] = {
            "n": len(rows),
            "object_found": sum(r["object_probability"] > threshold for r in rows),
            "degenerate": sum(r["degenerate"] for r in rows),
            "consistent": sum(r["consistently_spurious"] for r in rows),
            "nearest_distance": float(np.median([r["nearest_distance"] for r in rows])),
        }
    return counts


def share(record: dict[str, Any], spec: str, name: str, split: str) -> list[float]:
    """The model's share of hits on a class's split, a value a seed."""
    pairs = [run["hits"][spec][name][split] for run in record["seeds"]]
    return [hits / n for hits, n in pairs]


def gaps(record: dict[str, Any]) -> dict[str, list[float]]:
    """By class, a value a seed: mean over the panel of generated minus pool."""
    panel = record["recipe"]["panel"]
    found = {}
    for name in record["seeds"][0]["audit"]:
        generated = np.array([share(record, m, name, "generated") for m in panel])
        pool = np.array([share(record, m, name, "si") for m in panel])
        found[name] = (generated - pool).mean(axis=0).tolist()
    return found


def table(record: dict[str, Any]) -> str:
    """The paper's Table 1 as Markdown, and what stands behind it."""
    names = list(record["seeds"][0]["audit"])
    panel, seeds = record["recipe"]["panel"], len(record["seeds"])
    lines = [f"| | {' | '.join(names)} | mean |", "|---|" + "---|" * (len(names) + 1)]
    for spec in panel:
        pairs = [
            (np.mean(share(record, spec, n, "si")), np.mean(share(record, spec, n, "generated")))
            for n in names
        ]
        pairs.append((np.mean([p[0] for p in pairs]), np.mean([p[1] for p in pairs])))
        cells = [f"{100 * a:.1f} / {100 * b:.1f}" for a, b in pairs]
        lines.append(f"| `{spec}` | {' | '.join(cells)} |")
    gap = clustered_mean(gaps(record))
    audited = {n: [run["audit"][n] for run in record["seeds"]] for n in names}
    found = _rate(audited, lambda c: c["object_found"])
    consistent = _rate(audited, lambda c: c["consistent"])
    worst = max(
        sum(c["object_found"] for c in audited[n]) / sum(c["n"] for c in audited[n]) for n in names
    )
    degenerate = sum(c["degenerate"] for runs in audited.values() for c in runs)
    return "\n".join(
        [
            (
                f"Spurious accuracy in %, reference pool / generated: recipe `{record['recipe']['name']}`, "
                f"75 generated pictures a class and seed, mean of {seeds} seeds."
            ),
            "",
            *lines,
            "",
            (
                f"Generated minus pool: **{points(gap)} points** (mean over classes, 95 % bootstrap interval "
                "clustered by class, then seed). "
                f"{points(consistent)} % of the generated pictures fool all four classifiers. "
                f"The referee finds the object in {points(found)} % of them (worst class {100 * worst:.1f} %); "
                f"{degenerate} are black or constant."
            ),
        ]
    )


def _rate(
    audited: dict[str, list[dict[str, Any]]], count: Callable[[dict[str, Any]], int]
) -> Estimate:
    return clustered_mean({n: [count(c) / c["n"] for c in runs] for n, runs in audited.items()})


def points(estimate: Estimate) -> str:
    """``81.3 [71.1, 88.5]``, in points of a percentage."""
    return f"{100 * estimate.value:.1f} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


def render(readme: Path) -> None:
    """Write the table between the markers."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    write_text(readme, f"{before}{BEGIN}\n{table(record)}\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--work", type=Path, required=True)
    runner.add_argument("--seeds", default="0,1,2", help="one seed alone is built, not recorded")
    commands.add_parser("render")
    options = parser.parse_args()
    if options.command == "run":
        run(options.work, [int(s) for s in options.seeds.split(",")])
    else:
        render(ROOT / "README.md")


if __name__ == "__main__":
    main()
