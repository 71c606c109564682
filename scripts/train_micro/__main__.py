"""Trains the micro world's networks and puts them into the packages.

    python -m scripts.train_micro --work build/micro

Everything follows from the seeds in this folder: the autoencoder, then the text-to-image model, the
four classifiers of the panel and the referee; then the networks are exported in half precision and
measured, and the model card is written. Each stage saves a checkpoint every 100 steps and goes on
from it when the command is run again. It takes hours: by its steps about 70 minutes of one core for
the autoencoder and two hours for the text-to-image model (0.40 and 0.92 s a step on a core with AVX2), beside
the classifiers; with --stages some can be trained side by side. A whole run has not been timed yet.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from spurbench_builders.domains.micro.world.sampling import world

from .autoencoder import train_autoencoder
from .base_model import SHARES, train_base
from .classifiers import PANEL, train_classifier
from .data import HELD_OUT, Split, joined, load_split
from .export import (
    ROOT,
    export_autoencoder,
    export_base,
    export_classifier,
    exported_autoencoder,
)
from .measure import measure
from .referee import RECIPE, names, train_referee

SEED = 0
STAGES = ("autoencoder", "base", *PANEL, "referee", "measure")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for data and checkpoints")
    parser.add_argument("--stages", default=",".join(STAGES), help="which stages, in order")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--into", type=Path, default=ROOT, help="folder to export below (default: the repository)"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.into != ROOT and "measure" in options.stages:
        parser.error("measure looks at the networks that the packages hold: leave --into out")
    options.work.mkdir(parents=True, exist_ok=True)
    for stage in options.stages.split(","):
        if stage not in STAGES:
            parser.error(f"unknown stage {stage!r}; stages: {', '.join(STAGES)}")
        run_stage(stage, options.work, options.into)


def run_stage(stage: str, work: Path, root: Path) -> None:
    """Train one network (or finish at once where it is trained) and export it below ``root``."""
    labels = [c.name for c in world().classes]
    if stage == "autoencoder":
        export_autoencoder(train_autoencoder(_decorrelated(work), work), root)
    elif stage == "base":
        vae = exported_autoencoder(root)
        general = [_decorrelated(work), load_split("train", work, SEED)]
        special = {name: load_split(name, work, SEED) for name in SHARES}
        model, tokenizer = train_base(vae, general, special, work)
        export_base(model, vae, tokenizer, root)
    elif stage == "referee":
        split = joined(_decorrelated(work), load_split("objects", work, SEED))
        network = train_referee(split, exported_autoencoder(root), work)
        export_classifier("referee", network, RECIPE, names(), "micro-contents", root)
    elif stage == "measure":
        measure(load_split("val", work, SEED), _held_out(work))
    else:
        network = train_classifier(stage, load_split("train", work, SEED), len(labels), work)
        export_classifier(stage, network, PANEL[stage], labels, "micro", root)


def _decorrelated(work: Path) -> Split:
    split = load_split("decorrelated", work, SEED)
    return split.part(0, len(split.images) - HELD_OUT)


def _held_out(work: Path) -> Split:
    split = load_split("decorrelated", work, SEED)
    return split.part(len(split.images) - HELD_OUT, len(split.images))


if __name__ == "__main__":
    main()
