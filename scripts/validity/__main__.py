"""Does spurious accuracy measure reliance? Trains the zoo, intervenes, scores, and writes the page.

    python -m scripts.validity --work build/validity            # everything; resumes
    python -m scripts.validity --work build/validity --stages zoo --share 1/2   # half of the zoo

The zoo takes about two and a half hours of one core, by the time of its steps; the data sets come on top.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch

from scripts.train_micro.classifiers import Normalised, predict
from scripts.train_micro.data import load_split
from spurbench import plugins
from spurbench.files import write_bytes, write_text
from spurbench_evaluators.network.classifier import NetworkClassifier

from . import scores
from .members import Member, members
from .page import Page, plot
from .reliance import PICTURES, SEED, measured, pictures
from .sets import built_sets
from .tables import read_tables
from .train import trained

ROOT = Path(__file__).parents[2]
ZOO_RECORD = ROOT / "docs" / "runs" / "zoo.json"
SCORES_RECORD = ROOT / "docs" / "runs" / "zoo-scores.json"
PANEL = ("resnet_v1", "resnet_v2", "robust", "vit")
STAGES = ("zoo", "reliance", "sets", "scores", "page")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for data and checkpoints")
    parser.add_argument("--stages", default=",".join(STAGES), help="which stages, in order")
    parser.add_argument("--share", default="1/1", metavar="I/N", help="this share of the zoo")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    share, shares = (int(part) for part in options.share.split("/"))
    stages = options.stages.split(",")
    if "zoo" in stages:
        for member in members()[share - 1 :: shares]:
            trained(member, options.work)
    if "reliance" in stages:
        record_reliance(options.work)
    if "sets" in stages:
        for built in built_sets():
            built.build(options.work)
    if "scores" in stages:
        record_scores(options.work)
    if "page" in stages:
        write_page()


def record_reliance(work: Path) -> None:
    """docs/runs/zoo.json: each member, its accuracy and its answers under every change."""
    changed, validation = pictures(work), load_split("val", work, 0)
    record: dict[str, Any] = {"pictures": PICTURES, "seed": SEED, "members": {}}
    for name, network, facts in networks(work):
        said = predict(network, validation.floats(slice(None))).argmax(dim=1)
        record["members"][name] = {
            **facts,
            "top1": round(float((said == validation.labels).float().mean()), 4),
            "answers": _rounded(measured(network, changed)),
        }
    write_text(ZOO_RECORD, json.dumps(record, separators=(",", ":")) + "\n")


def record_scores(work: Path) -> None:
    """docs/runs/zoo-scores.json: what each network says of every data set, and of bad ones."""
    sets: dict[str, dict[str, dict[str, torch.Tensor]]] = {}
    for built in built_sets():
        sets[f"{built.name} {built.seed}"] = scores.splits_of(built.folder(work))
    first = next(iter(sets.values()))
    shown = {"si": first["si"], **{name: of["generated"] for name, of in sets.items()}}
    shown |= scores.bad_sets()
    record: dict[str, Any] = {"sets": list(shown), "networks": {}}
    for name, network, _ in networks(work):
        validation = scores.answered(network, first["val"])
        record["networks"][name] = {
            of: scores.record(scores.answered(network, images), validation)
            for of, images in shown.items()
        }
    write_text(SCORES_RECORD, json.dumps(record, separators=(",", ":")) + "\n")


def write_page() -> None:
    """docs/validity.md and its plot, from the records alone."""
    page = Page(read_tables(ZOO_RECORD, SCORES_RECORD))
    write_text(ROOT / "docs" / "validity.md", page.text())
    write_bytes(ROOT / "docs" / "images" / "validity.png", plot(page))


def networks(work: Path) -> Iterator[tuple[str, Normalised, dict[str, Any]]]:
    """The zoo, then the panel under ``panel/NAME``, each with what is known of it."""
    for member in members():
        yield member.name, trained(member, work), _facts(member)
    for name in PANEL:
        loaded = cast(NetworkClassifier, plugins.classifier(f"micro/{name}"))
        yield f"panel/{name}", Normalised(loaded.network), {"kind": "panel", "data": "95"}


def _facts(member: Member) -> dict[str, Any]:
    data = member.data
    return {
        "architecture": member.architecture,
        "kind": member.kind,
        "data": data.name,
        "companion_rate": data.companion_rate,
        "start": member.start,
        "seed": member.recipe.seed,
    }


def _rounded(answers: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    return {
        name: {change: [round(v, 4) for v in values] for change, values in of.items()}
        for name, of in answers.items()
    }


if __name__ == "__main__":
    main()
