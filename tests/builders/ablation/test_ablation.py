"""Ablations: their rows, their counting, their words, and a whole one at a tiny size."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spurbench import plugins
from spurbench.dataset.schema import PanelPrediction
from spurbench.errors import UserError
from spurbench.scores.statistics import crossed_mean
from spurbench_builders.ablation import analysis, report
from spurbench_builders.ablation.cells import _counts
from spurbench_builders.ablation.run import Ablation, AblationRequest
from spurbench_builders.ablation.variants import others, table2
from spurbench_builders.recipes.files import derived, load_recipe

CLASSES, SEEDS = ("koala", "gondola", "fireboat"), (0, 1, 2, 3)


def test_rows_differ_in_what_they_say_alone() -> None:
    rows = table2(load_recipe("micro"), ["attract", "contrast:prior"], [1, 0.5])
    assert [r.name for r in rows] == [
        *("vanilla", "text-encoder", "attract-1", "attract-0.5"),
        *("contrast-prior-1", "contrast-prior-0.5", "recipe"),
    ]
    by_name = {r.name: r.recipe for r in rows}
    assert by_name["vanilla"].training.text_encoder == "frozen"
    assert by_name["text-encoder"].similarity.kappa("freight car") == 0
    assert by_name["attract-0.5"].similarity.kappa("freight car") == 0.5
    assert by_name["contrast-prior-1"].similarity.images == "prior"
    assert by_name["recipe"] == load_recipe("micro")
    for name, recipe in by_name.items():
        kept = {"references", "panel", "prior", "sampling", "audit", "prompt"}
        assert recipe.model_dump(include=kept) == load_recipe("micro").model_dump(include=kept), (
            name
        )


def test_rows_that_cannot_be() -> None:
    with pytest.raises(UserError, match="unknown reading 'atract'"):
        table2(load_recipe("micro"), ["atract"], [1])
    with pytest.raises(UserError, match="similarity.images"):
        table2(load_recipe("micro"), ["contrast:nothing"], [1])
    with pytest.raises(UserError, match="not of domain 'micro'"):
        others(["sd15-lora"], load_recipe("micro"))


def test_counting_by_hand() -> None:
    def said(*labels: int) -> tuple[PanelPrediction, ...]:
        return tuple(PanelPrediction(f"m{i}", label, 0.5) for i, label in enumerate(labels))

    counts = _counts([said(7, 7), said(7, 1), said(2, 7), said(7, 7)], [0.9, 0.1, 0.2, 0.3], 0.5, 7)
    assert counts == {
        "n": 4,
        "hits": [3, 3],
        "clean_hits": [2, 2],
        "consistent": 2,
        "clean_consistent": 1,
        "object_found": 1,
    }
    assert analysis.accuracy(counts) == 0.75 and analysis.clean_accuracy(counts) == 0.5


def made_record(effects: Mapping[str, float], noise: float = 0.02) -> dict[str, Any]:
    """A record whose variants differ from the row without SFSL by known amounts."""
    rng = np.random.default_rng(0)
    n, cells = 1000, []
    level = {(c, s): 0.4 + 0.1 * rng.random() for c in CLASSES for s in SEEDS}
    for name, effect in effects.items():
        for (c, s), base in level.items():
            hits = [int(n * (base + effect + noise * rng.standard_normal())) for _ in range(4)]
            counts = {"n": n, "hits": hits, "clean_hits": hits, "consistent": min(hits)}
            extra = {"clean_consistent": 0, "object_found": 0, "degenerate": 0}
            cells.append({"variant": name, "class": c, "seed": s, **counts, **extra})
    known: dict[str, tuple[str | None, float | None]] = {}
    known |= {f"attract-{k:g}": ("attract", k) for k in (1, 0.5)}
    known |= {f"contrast-{k:g}": ("contrast", k) for k in (1, 0.5)}
    none: tuple[str | None, float | None] = (None, None)
    variants = [
        {"name": v, "title": v, "fingerprint": "0" * 64, "reading": r, "kappa": k}
        for v in effects
        for r, k in [known.get(v, none)]
    ]
    untrained = [{**c, "variant": "base"} for c in cells if c["variant"] == "vanilla"]
    return {
        "recipe": "made",
        "fingerprint": "0" * 64,
        "images": n,
        "seeds": list(SEEDS),
        "classes": list(CLASSES),
        "panel": list("abcd"),
        "variants": variants,
        "versions": {},
        "pool": [{**c, "class": c["class"]} for c in untrained if c["seed"] == 0],
        "base": untrained,
        "cells": cells,
        "contexts": [],
    }


LEVELS = {"beats": 0.2, "falls behind": -0.2, "cannot be told from": 0.0}


def spoken(effects: Mapping[str, float], clean: Mapping[str, float] | None = None) -> list[str]:
    """The verdict on a made record whose clean hits differ as ``clean`` says, or as the others."""
    record = made_record({"vanilla": -0.2, "text-encoder": 0, **effects, "recipe": 0})
    if clean is not None:
        wanted = {c["variant"]: c for c in made_record({**effects, **clean})["cells"]}
        assert set(clean) <= set(wanted)
        other = {(c["variant"], c["class"], c["seed"]): c for c in made_record(clean)["cells"]}
        for cell in record["cells"]:
            found = other.get((cell["variant"], cell["class"], cell["seed"]))
            if found:
                cell["clean_hits"] = found["hits"]
    return analysis.verdict(record, analysis.summaries(record))


@pytest.mark.parametrize("raw", LEVELS)
@pytest.mark.parametrize("clean", LEVELS)
def test_the_verdict_says_what_the_numbers_say(raw: str, clean: str) -> None:
    names = ("attract-1", "attract-0.5")
    text, attract = spoken(dict.fromkeys(names, LEVELS[raw]), dict.fromkeys(names, LEVELS[clean]))
    assert "beats vanilla DreamBooth" in text
    assert attract.startswith(f"SFSL `attract` {raw} the row without SFSL")
    if raw == clean:
        assert "also when pictures that show the object count as misses" in attract
    else:
        assert f"count as misses, it {clean} that row" in attract
    assert attract.endswith("). The kappas tried cannot be told from one another.")


def test_the_verdict_tells_kappas_and_readings_apart() -> None:
    effects = {"attract-1": 0.3, "attract-0.5": 0.1, "contrast-1": -0.3, "contrast-0.5": 0.2}
    _, attract, contrast, between = spoken(effects)
    assert "Of the kappas, 1 beats 0.5 (+" in attract
    assert "beats or falls behind (depending on kappa)" in contrast
    assert "Of the kappas, 1 falls behind 0.5 (-" in contrast
    assert "`attract` beats `contrast`" in between


@pytest.mark.parametrize("scale", [(1.0, 0.0, 1.0), (1.0, 1.0, 1.0), (1.0, 0.3, 0.5)])
def test_the_crossed_interval_covers_at_least_as_often_as_it_says(
    scale: tuple[float, float, float],
) -> None:
    """Class, seed and cell effects at the design that is used: six classes, five seeds."""
    rng = np.random.default_rng(1)
    by_class, by_seed, by_cell = scale
    trials, covered = 600, 0
    for _ in range(trials):
        table = rng.normal(0, by_class, (6, 1)) + rng.normal(0, by_seed, (1, 5))
        found = crossed_mean(table + rng.normal(0, by_cell, (6, 5)))
        covered += found.low <= 0 <= found.high
    assert covered / trials >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / trials)


def test_the_crossed_interval_by_hand() -> None:
    from scipy.stats import t

    table = np.array([[1.0, 2.0], [3.0, 6.0]])
    by_row, by_column, error = 9.0, 4.0, 1.0  # mean squares of the two-way table
    half = t.ppf(0.975, 1) * np.sqrt((by_row + by_column - error) / 4)
    found = crossed_mean(table)
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 3 - half, 3 + half))
    alone = crossed_mean(table[:, :1])
    assert alone.high - alone.value == pytest.approx(t.ppf(0.975, 1) * np.sqrt(2 / 2))


def tiny(tmp_path: Path, **changes: Any) -> AblationRequest:
    base = derived(
        load_recipe("micro"),
        {
            "name": "tiny",
            "references": {"pool": 24, "count": 3},
            "prior": {"images": 2},
            "training": {"steps": 2},
            "sampling": {"steps": 2, "batch": 2},
        },
        "tiny",
    )
    cards = {c.name: c for c in plugins.domain("micro").cards()}
    return AblationRequest(
        tuple(table2(base, ["attract"], [1])),
        (cards["koala"], cards["hummingbird"]),
        (0,),
        **{"images": 2, "contexts": 1, "work": tmp_path / "ablation", **changes},
    )


def test_a_whole_ablation_and_what_it_does_not_repeat(tmp_path: Path) -> None:
    request = tiny(tmp_path)
    events = list(Ablation(request).run())
    trained = [(e.class_name, e.step) for e in events if e.step == "train" and e.done == e.total]
    assert len(trained) == 6, "the recipe's row is attract-1 again and is borrowed"
    priors = [e for e in events if e.step == "prior" and e.done == e.total]
    assert len(priors) == 2, "once a class, not once a row"
    again = list(Ablation(request).run())
    assert {e.step for e in again} == {"cell"}
    record = Ablation(request).record()
    assert len(record["cells"]) == 8 and len(record["contexts"]) == 8
    assert {c["n"] for c in record["cells"]} == {2} and {c["n"] for c in record["contexts"]} == {1}
    page = report.report(json.loads(json.dumps(record)), "x.png")
    assert "## Recontextualised prompts" in page and "... on the beach" in page
    assert report.plot(record).startswith(b"\x89PNG")


def test_a_wrong_option_is_one_line(tmp_path: Path) -> None:
    for words, said in (
        (["--seeds", "x"], "--seeds 'x': give a whole number from 1"),
        (["--kappas", ","], "--kappas names none"),
        (["--readings", ""], "--readings names none"),
        (["--kappas", "1,y"], "--kappas 'y': give a number from 0"),
        (["--recipe", "nano"], "unknown recipe 'nano'"),
    ):
        command = [
            sys.executable,
            "-m",
            "spurbench",
            "ablate",
            "--out",
            str(tmp_path / "a"),
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
        assert not (tmp_path / "a").exists()
