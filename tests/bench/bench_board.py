"""What a leaderboard of many models costs: reading results, ranking them, writing the table and the page,
and sorting and searching in the page, by a real browser.

python -m tests.bench.bench_board [--record docs/runs/bench-board.json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spurbench.parallel import cores
from spurbench.results import (
    DataRecord,
    HeadScore,
    Interval,
    Means,
    ModelRecord,
    Result,
    SplitScore,
    read_results,
    write_result,
)
from spurbench.scores.predictions import decode
from spurbench.scores.ranks import PATTERNS, ranks_of
from spurbench.scores.statistics import clustered_mean, wilson
from spurbench_leaderboard.markdown import leaderboard
from spurbench_leaderboard.site.making import make_site
from spurbench_leaderboard.tables import nothing_known

T = TypeVar("T")

MODELS = (10, 100, 1000)
CLASSES, PICTURES = 100, 75
MERITS = {"si": (-0.5, 0.8), "generated": (0.0, 0.8), "val": (3.0, 0.2)}
"""Of each split: the models' mean logit, and how far they are spread."""


def made(number: int, hits: dict[str, np.ndarray]) -> Result:
    """A result with the fields that a real one has, from hits by class of each split."""
    scores = [
        _score(split, k, int(hit)) for split, counts in hits.items() for k, hit in enumerate(counts)
    ]
    means = {split: _means(counts) for split, counts in hits.items()}
    return Result(
        model=ModelRecord(
            spec=f"made/model_{number}", architecture="made", parameters=number,
            weights_sha256=f"{number:064x}", weights_source="made", options={},
            label_space="imagenet-1k", framing="model", transform={"framing": "crop", "size": 224},
        ),
        data=DataRecord(name="made", domain="imagenet", version="c0", fingerprint="f" * 64),
        scores=scores,
        means=means,
        generated_minus_si=None,
        environment={"dtype": "float32"},
        predictions_sha256=f"{number:064x}",
    )  # fmt: skip


def _score(split: str, k: int, hits: int) -> SplitScore:
    share = Interval.of(wilson(hits, PICTURES))
    head: dict[str, Any] = {
        "hits": hits, "top1": share, "top5": share, "mean_probability": hits / PICTURES,
        "average_precision": 0.5, "roc_auc": 0.5,
    }  # fmt: skip
    names = {"class_name": f"class {k}", "slug": f"class_{k}", "label": k, "split": split}
    return SplitScore(**names, **head, n=PICTURES, restricted=HeadScore(**head))  # type: ignore[arg-type]


def _means(hits: np.ndarray) -> Means:
    shares = {str(k): [hit / PICTURES] for k, hit in enumerate(hits)}
    mean = Interval.of(clustered_mean(shares, pictures=PICTURES * len(hits)))
    return Means(top1=mean, restricted=Means(top1=mean))


def make(folder: Path, models: int) -> None:
    """Write so many results."""
    rng = np.random.default_rng(models)
    difficulty = rng.normal(0, 1, CLASSES)
    for number in range(models):
        hits = {}
        for split, (middle, spread) in MERITS.items():
            logits = rng.normal(middle, spread) + difficulty + rng.normal(0, 0.5, CLASSES)
            hits[split] = rng.binomial(PICTURES, 1 / (1 + np.exp(-logits)))
        result = made(number, hits)
        write_result(result, result.path_under(folder))


def timed(act: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    found = act()
    return time.perf_counter() - began, found


def in_browser(page: Path) -> dict[str, float]:
    """Milliseconds until the page is drawn, and that sorting and searching keep it busy: the longest of
    five each."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("SPURBENCH_CHROMIUM") or shutil.which("chromium")
    busy = (
        """act => { const began = performance.now(); act(); return performance.now() - began; }"""
    )
    sorts = """() => { const busy = %s, all = []; for (const [i, d] of [[2, 'asc'], [3, 'desc'], [4, 'asc'], [2, 'desc'], [1, 'asc']])
        all.push(busy(() => { shown.order([[i, d]]).draw(); document.body.offsetHeight; })); return Math.max(...all); }"""
    finds = """() => { const busy = %s, all = []; for (const text of ['1', '12', '123', 'model_9', ''])
        all.push(busy(() => { byId('search').value = text; readForm(); drawAll(); document.body.offsetHeight; })); return Math.max(...all); }"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page()
        began = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector("#chart svg")
        drawn = time.perf_counter() - began
        found = {
            "drawn_ms": 1000 * drawn,
            "longest_sort_ms": tab.evaluate(sorts % busy),
            "longest_search_ms": tab.evaluate(finds % busy),
        }
        browser.close()
    return found


def measure(models: int) -> dict[str, Any]:
    """One size of the board."""
    with tempfile.TemporaryDirectory() as name:
        make(Path(name, "results"), models)
        reading, results = timed(lambda: read_results(Path(name, "results")))
        site, made = timed(
            lambda: make_site(
                Path(name, "results"), results, nothing_known, [], Path(name, "site"), decode
            )
        )
        browsing = in_browser(made.entry)
    table = np.array(
        [
            [s.restricted.hits / s.n for s in r.scores if s.split == "generated" and s.restricted]
            for r in results
        ]
    )
    ranking, ranks = timed(lambda: ranks_of(table))
    writing, text = timed(lambda: leaderboard(results))
    pairs = models * (models - 1) // 2
    return {
        "models": models,
        "read_seconds": reading,
        "rank_seconds": ranking,
        "whole_table_seconds": writing,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "told_apart": float(ranks.below.sum()) / pairs,
        "mean_span": float((ranks.high - ranks.low + 1).mean()),
        "table_kib": len(text.encode()) / 1024,
        "site_seconds": site,
        "page_mb": made.size / 1e6,
        **browsing,
    }


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    rows = []
    for models in MODELS:
        rows.append(measure(models))
        print(json.dumps(rows[-1]), flush=True)
    if options.record:
        found = {
            "cores": cores(),
            "classes": CLASSES,
            "pictures": PICTURES,
            "patterns": PATTERNS,
            "rows": rows,
        }
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
