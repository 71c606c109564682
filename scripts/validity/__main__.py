"""Does spurious accuracy measure reliance? Trains the zoo, intervenes, scores, and writes the page.

    python -m scripts.validity --work build/validity            # everything; resumes
    python -m scripts.validity --work build/validity --stages zoo --share 1/2   # half of the zoo

The zoo takes about an hour and a half of one core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from scripts.train_micro.classifiers import predict
from scripts.train_micro.data import load_split
from spurbench.files import write_text

from .members import Member, members
from .reliance import PICTURES, SEED, measured, pictures
from .train import trained

ROOT = Path(__file__).parents[2]
ZOO_RECORD = ROOT / "docs" / "runs" / "zoo.json"
STAGES = ("zoo", "reliance")


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


def record_reliance(work: Path) -> None:
    """docs/runs/zoo.json: each member, its accuracy and its answers under every change."""
    changed, validation = pictures(work), load_split("val", work, 0)
    record: dict[str, Any] = {"pictures": PICTURES, "seed": SEED, "members": {}}
    for member in members():
        network = trained(member, work)
        said = predict(network, validation.floats(slice(None))).argmax(dim=1)
        record["members"][member.name] = {
            **_facts(member),
            "top1": round(float((said == validation.labels).float().mean()), 4),
            "answers": _rounded(measured(network, changed)),
        }
    write_text(ZOO_RECORD, json.dumps(record, separators=(",", ":")) + "\n")


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
