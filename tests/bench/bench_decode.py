"""What decoding the estimate at a smaller size saves, and what it costs in fidelity.

python tests/bench/bench_decode.py [--record docs/runs/bench-decode.json]

On the micro world's base model: the gradient of SFSL with respect to the predicted noise, by decode
size, as a cosine with the gradient at full size, over pictures and steps; and its time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any, cast

import torch

from spurbench import plugins
from spurbench.contracts import FeatureClassifier
from spurbench.prediction import to_tensor
from spurbench_builders.method.schedule import schedule_of
from spurbench_builders.method.similarity import Making, anchors, similarity_loss
from spurbench_builders.models.base import load_base_model
from spurbench_builders.models.where import base_model_folder
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.recipes.model import Similarity

TIMES = (50, 150, 300, 450, 600)
SIZES = (64, 48, 32)
PICTURES = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    found = measure()
    for row in found["rows"]:
        print(
            f"{row['size']:3} px: {row['milliseconds']:.1f} ms, {row['ratio']:.2f} x full size; "
            f"cosine with the full gradient {row['cosine_mean']:.2f} "
            f"({row['cosine_min']:.2f} to {row['cosine_max']:.2f})"
        )
    if options.record:
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measure() -> dict[str, Any]:
    """Rows by decode size, interleaved in time."""
    domain = plugins.domain("micro")
    model = load_base_model(base_model_folder("micro", None, domain))
    robust = cast(FeatureClassifier, plugins.classifier("micro/robust"))
    card = domain.cards()[0]
    images = torch.stack([to_tensor(p.image) for p in domain.references(card, PICTURES)])
    known = anchors(robust, card.label, images, images)
    schedule = schedule_of(model.scheduler_config)
    settings = load_recipe("micro").similarity
    with torch.no_grad():
        latents = model.encode_images(images)
        states = model.states(model.tokens([f"a photo of a {card.noun}"]))
    gradients: dict[int, list[torch.Tensor]] = {size: [] for size in SIZES}
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    generator = torch.Generator().manual_seed(0)
    for when in TIMES:
        for i in range(PICTURES):
            noise = torch.randn(latents[:1].shape, generator=generator)
            times = torch.tensor([when])
            noisy = schedule.noisy(latents[i : i + 1], noise, times)
            with torch.no_grad():
                predicted = model.unet(noisy, times, states).sample
            for size in SIZES:
                part: Similarity = settings.model_copy(update={"decode_size": size})
                guess = predicted.clone().requires_grad_()
                which = torch.tensor([i])
                began = time.perf_counter()
                value = similarity_loss(
                    model, robust, known, schedule, part, Making(noisy, guess, times, which, which)
                )
                (gradient,) = torch.autograd.grad(value, guess)
                seconds[size].append(time.perf_counter() - began)
                gradients[size].append(gradient.flatten())
    full = statistics.median(seconds[SIZES[0]])
    rows = []
    for size in SIZES:
        cosines = [
            torch.cosine_similarity(a, b, dim=0).item()
            for a, b in zip(gradients[size], gradients[SIZES[0]], strict=True)
        ]
        middle = statistics.median(seconds[size])
        rows.append(
            {
                "size": size,
                "milliseconds": 1000 * middle,
                "ratio": middle / full,
                "cosine_mean": statistics.mean(cosines),
                "cosine_min": min(cosines),
                "cosine_max": max(cosines),
            }
        )
    return {"pictures": PICTURES, "times": TIMES, "threads": torch.get_num_threads(), "rows": rows}


if __name__ == "__main__":
    main()
