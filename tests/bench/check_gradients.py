"""Our gradients of Eq. 3 (LDM and prior preservation) against diffusers' train_dreambooth.py.

Their script runs one step; the latents, noise, steps and token ids that it drew go through our
loss, and the gradients of U-Net and text encoder are compared, for a base model that predicts
noise and one that predicts velocity.

python -m tests.bench.check_gradients --script train_dreambooth.py --tag v0.40.0 \
    [--record docs/runs/gradient-check.json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from spurbench_builders.method import losses
from spurbench_builders.method.batches import Batch
from spurbench_builders.method.finetune import Finetuning
from spurbench_builders.method.schedule import PREDICTIONS
from spurbench_builders.team import Team
from tests.bench.children import run_child
from tests.bench.environment import environment
from tests.bench.train_ours import load_parts, read_data
from tests.bench.workload import Workload, make_workload, script_options

PARTS = ("unet", "text_encoder")
TOLERANCE = 1e-5
UNCLIPPED = 1e30


def captured(workload: Workload, script: Path, folder: Path) -> dict[str, Tensor]:
    """The first step of their script: ``latents``, ``noise`` (2, C, h, w), ``times`` (2,),
    ``tokens`` (2, L), and a gradient for every trained weight by part and name."""
    target = folder / "captured.safetensors"
    unclipped = workload.with_training(max_gradient_norm=UNCLIPPED)
    options = script_options(unclipped, folder / "output")
    run_child("capture_theirs", [str(script), str(target), "--", *options], workload.device)
    return load_file(target)


def our_gradients(workload: Workload, theirs: dict[str, Tensor], lam: float) -> dict[str, Tensor]:
    """Gradients of our LDM + lam PPL on what their step drew."""
    model, robust = load_parts(workload)
    data = read_data(workload, model, robust, kappa=0.0)
    if not torch.equal(data.tokens, theirs["tokens"]):
        raise SystemExit("the two read the prompts as different token ids")
    tuning = Finetuning(model, robust, data, workload.recipe, Team())
    first = torch.zeros(1, dtype=torch.long)
    batch = Batch(theirs["latents"], theirs["noise"], theirs["times"], (first, first))
    terms = tuning.terms(batch)
    losses.total(terms.ldm, terms.prior, terms.similarity, lam, kappa=0.0).backward()  # type: ignore[no-untyped-call]
    return {
        f"{part}.{name}": p.grad
        for part in PARTS
        for name, p in getattr(model, part).named_parameters()
        if p.grad is not None
    }


def relative_errors(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> dict[str, float]:
    """|ours - theirs| / |theirs|, Euclidean, over all weights of each part."""
    if ours.keys() != {n for n in theirs if n.startswith(PARTS)}:
        raise SystemExit("the two do not train the same weights")
    found = {}
    for part in PARTS:
        names = [n for n in ours if n.startswith(f"{part}.")]
        gap = sum(((ours[n].double() - theirs[n].double()) ** 2).sum() for n in names)
        size = sum((theirs[n].double() ** 2).sum() for n in names)
        found[part] = float((gap / size) ** 0.5)
    return found


def check(prediction: str, script: Path, folder: Path) -> dict[str, Any]:
    """Errors for the micro base model as if it had been trained for that prediction, and what the
    check would say if we weighed the prior's loss by half: it must see a wrong loss."""
    workload = make_workload("micro", folder, steps=1)
    base = shutil.copytree(workload.base, folder / prediction)
    config = base / "scheduler" / "scheduler_config.json"
    settings = json.loads(config.read_text(encoding="utf-8")) | {"prediction_type": prediction}
    config.write_text(json.dumps(settings), encoding="utf-8")
    workload = workload.with_base(base)
    theirs = captured(workload, script, folder)
    lam = workload.recipe.training.prior_weight
    return {
        "weights": sum(v.numel() for k, v in theirs.items() if k.startswith(PARTS)),
        "times": theirs["times"].tolist(),
        "relative_error": relative_errors(our_gradients(workload, theirs, lam), theirs),
        "with_half_the_prior": relative_errors(our_gradients(workload, theirs, lam / 2), theirs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--tag", required=True, help="of diffusers, from which the script is")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = {"tag": options.tag, "environment": environment("cpu")}
    found["tolerance"] = TOLERANCE
    for prediction in PREDICTIONS:
        with tempfile.TemporaryDirectory() as folder:
            found[prediction] = check(prediction, options.script, Path(folder))
        print(f"{prediction}: {found[prediction]}")
    if options.record:
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    errors = [e for p in PREDICTIONS for e in found[p]["relative_error"].values()]
    if not max(errors) < TOLERANCE:
        raise SystemExit(f"a relative error of {max(errors):.1e} is not below {TOLERANCE}")


if __name__ == "__main__":
    main()
