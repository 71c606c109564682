"""Measures the exported networks, as shipped, and writes the model card."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from spurbench import plugins
from spurbench.contracts import Classifier, FeatureClassifier
from spurbench.files import sha256_file
from spurbench.prediction import predict
from spurbench_builders.checks.audit import object_probabilities
from spurbench_builders.domains.micro.world.sampling import world
from spurbench_builders.inputs.panel import fools_all, panel_predictions
from spurbench_builders.method.sampling import sample
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.files import load_recipe

from .classifiers import attack
from .data import Split
from .diversity import DRAWN, NEIGHBOURS, coverage, drawn, features, styles
from .export import BASE, ROOT, WEIGHTS
from .text import IDENTIFIERS

CARD = ROOT / "docs" / "micro-model-card.md"
RECORD = ROOT / "docs" / "runs" / "micro-models.json"
ATTACKED, EPSILON, PGD_STEPS = 600, 8 / 255, 20
PROMPT_SAMPLES = 100


def measure(validation: Split, held_out: Split) -> None:
    """Measure everything, record it as JSON and write the card from the record."""
    panel = [plugins.classifier(n.spec) for n in load_recipe("micro").panel]
    record: dict[str, Any] = {
        "panel": {m.spec: _classifier(m, validation) for m in panel},
        "references": _references(panel),
        "referee": _referee(held_out),
        "autoencoder": {"psnr_db": _psnr(held_out)},
        "base": _base(),
        "files": _files(),
    }
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    CARD.write_text(model_card(record), encoding="utf-8")


def _classifier(member: Classifier, split: Split) -> dict[str, float]:
    said = np.array([p.label for p in predict(member, _pictures(split))])
    network = cast(nn.Module, _Callable(member))
    images, labels = split.floats(slice(0, ATTACKED)), split.labels[:ATTACKED]
    attacked = attack(
        network,
        images,
        labels,
        EPSILON,
        PGD_STEPS,
        2.5 * EPSILON / PGD_STEPS,
        torch.Generator().manual_seed(0),
    )
    with torch.no_grad():
        robust = (network(attacked).argmax(1) == labels).float().mean().item()
    return {
        "top1": float((said == split.labels.numpy()).mean()),
        "n": len(said),
        "pgd20_top1": robust,
        "pgd_n": ATTACKED,
        "parameters": member.facts.parameters,
    }


class _Callable(nn.Module):
    def __init__(self, member: Classifier) -> None:
        super().__init__()
        self.member = member

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.member.logits(images)


def _references(panel: list[Classifier]) -> dict[str, Any]:
    domain, found = plugins.domain("micro"), {}
    for card in domain.cards():
        pool = [p.image for p in domain.references(card, 150)]
        said = panel_predictions(panel, pool, card.label)
        hits = np.array([[p.label == card.label for p in row] for row in said])
        found[card.name] = {
            "by_model": dict(zip([m.spec for m in panel], hits.mean(axis=0).tolist(), strict=True)),
            "mean": float(hits.mean()),
            "fool_all": float(np.mean([fools_all(row, card.label) for row in said])),
            "n": len(pool),
        }
    return found


def _referee(split: Split) -> dict[str, float]:
    referee = plugins.classifier("micro/referee")
    images = _pictures(split)
    hits, there, false, absent, plain_hits, plain = 0, 0, 0, 0, 0, 0
    for kind in world().classes:
        found = np.array(object_probabilities(images, referee, kind.name)) > 0.5
        shown = np.array([s["object"] == kind.name for s in split.shown])
        hits, there = hits + int(found[shown].sum()), there + int(shown.sum())
        visible = shown & np.array([float(str(s["object_shown"])) > 0.8 for s in split.shown])
        plain_hits, plain = plain_hits + int(found[visible].sum()), plain + int(visible.sum())
        false, absent = false + int(found[~shown].sum()), absent + int((~shown).sum())
    return {
        "object_recall": hits / there,
        "plain_object_recall": plain_hits / plain,
        "false_alarms": false / absent,
        "n": len(images),
    }


@torch.no_grad()
def _psnr(split: Split) -> float:
    vae = load_base_model(ROOT / BASE).vae
    images = split.floats(slice(0, 500))
    output = vae.decode(vae.encode(images * 2 - 1).latent_dist.mean).sample
    return float(-10 * F.mse_loss((output / 2 + 0.5).clamp(0, 1), images).log10())


def _base() -> dict[str, Any]:
    """Of samples for each class and companion: the share in which the referee finds what the prompt
    names (and, for companions, no object); of companions also how varied they are."""
    model = load_base_model(ROOT / BASE)
    referee = cast(FeatureClassifier, plugins.classifier("micro/referee"))
    objects = [c.name for c in world().classes]
    shares, variety = {}, {}
    for name in objects:
        images = _samples(model, f"a photo of a {name}")
        shares[name] = float(np.mean(_found(images, referee, name)))
    for companion, noun in world().nouns.items():
        images = _samples(model, f"a photo of a {noun}")
        good = _found(images, referee, noun)
        for other in objects:
            good &= ~_found(images, referee, other)
        shares[noun] = float(good.mean())
        variety[noun] = _variety(images, referee, companion)
    neutral = [
        float(np.mean(_found(_samples(model, f"a photo of a {rare} flower"), referee, "flower")))
        for rare in IDENTIFIERS[:2]
    ]
    return {
        "agreement": shares,
        "mean": float(np.mean(list(shares.values()))),
        "samples_each": PROMPT_SAMPLES,
        "guidance": load_recipe("micro").sampling.guidance,
        "variety": variety,
        "flower_despite_identifier": float(np.mean(neutral)),
    }


def _found(images: list[Image.Image], referee: Classifier, name: str) -> NDArray[np.bool_]:
    return np.array(object_probabilities(images, referee, name)) > 0.5


def _variety(
    images: list[Image.Image], referee: FeatureClassifier, companion: str
) -> dict[str, float]:
    real, made = drawn(referee, companion), features(referee, images)
    precision, recall = coverage(real.features, made)
    tenths, fit = styles(real, made)
    return {"precision": precision, "recall": recall, "style_tenths": tenths, "style_r2": fit}


def _samples(model: BaseModel, prompt: str) -> list[Image.Image]:
    settings = load_recipe("micro").sampling
    seeds = range(PROMPT_SAMPLES)
    return [image for batch in sample(model, prompt, seeds, settings) for image in batch]


def _files() -> dict[str, dict[str, Any]]:
    files = sorted(
        [*(ROOT / WEIGHTS).rglob("*.safetensors"), *(ROOT / BASE).rglob("*.safetensors")]
    )
    return {
        p.relative_to(ROOT).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256_file(p)}
        for p in files
    }


def _pictures(split: Split) -> list[Image.Image]:
    return [Image.fromarray(i) for i in split.images.permute(0, 2, 3, 1).numpy()]


def model_card(record: dict[str, Any]) -> str:
    """The card as Markdown."""
    parts = [CARD_HEAD, _panel_section(record), _referee_section(record), _base_section(record)]
    return "\n".join([*parts, _files_section(record)])


CARD_HEAD = """# Model card: the networks of the micro world

Written by `scripts/train_micro` from `docs/runs/micro-models.json`; seeds and settings are in that
folder. All were trained from scratch on pictures that the world draws; nothing was downloaded.
Licence: Apache-2.0. One training seed each; shares in %.
"""


def _panel_section(record: dict[str, Any]) -> str:
    panel = "\n".join(
        f"| `{spec}` | {m['parameters']:,} | {100 * m['top1']:.1f} | {100 * m['pgd20_top1']:.1f} |"
        for spec, m in record["panel"].items()
    )
    references = "\n".join(
        f"| {name} | {' | '.join(f'{100 * v:.1f}' for v in r['by_model'].values())} "
        f"| {100 * r['mean']:.1f} | {100 * r['fool_all']:.1f} |"
        for name, r in record["references"].items()
    )
    specs = " | ".join(f"`{m}`" for m in record["panel"])
    first = next(iter(record["panel"].values()))
    return f"""## Panel

Top-1 on {first["n"]:,} validation pictures; under attack: {PGD_STEPS}-step PGD, L-infinity 8/255, on
{first["pgd_n"]} of them. `micro/robust` was trained adversarially at 6/255.

| model | parameters | top-1 | top-1 under attack |
|---|---|---|---|
{panel}

Spurious accuracy on the pool of 150 references a class (companion only), and the share that fools all four:

| class | {specs} | mean | fool all |
|---|---|---|---|---|---|---|
{references}
"""


def _referee_section(record: dict[str, Any]) -> str:
    referee = record["referee"]
    return f"""## Referee

Trained on decorrelated pictures and large objects, every other batch passed through the autoencoder. On
{referee["n"]:,} held-out ones it finds {100 * referee["object_recall"]:.1f} % of the
objects ({100 * referee["plain_object_recall"]:.1f} % of those at least four fifths visible); false alarms: {100 * referee["false_alarms"]:.2f} % of (picture, absent object) pairs.
"""


def _base_section(record: dict[str, Any]) -> str:
    base = record["base"]
    agreement = "\n".join(
        f"| {name} | {100 * share:.0f} |" for name, share in base["agreement"].items()
    )
    variety = "\n".join(
        f"| {noun} | {100 * v['precision']:.0f} | {100 * v['recall']:.0f} | {v['style_tenths']} | "
        f"{v['style_r2']:.2f} |"
        for noun, v in base["variety"].items()
    )
    return f"""## Base model

A latent diffusion model of Stable Diffusion 1.x's component classes; autoencoder PSNR
{record["autoencoder"]["psnr_db"]:.1f} dB on held-out pictures. Share of samples ("a photo of a NAME", PNDM 25 steps,
guidance {base["guidance"]:g}, {base["samples_each"]} a prompt) in which the referee finds what the prompt names, and for companions no
object: {100 * base["mean"]:.1f} on average.

| prompt names | referee agrees |
|---|---|
{agreement}

How varied the same pictures of companions are, beside {DRAWN} that the world draws: precision and recall
(Kynkäänniemi et al., 2019) on the referee's features with {NEIGHBOURS} neighbours, and the tenths of the range of
styles into which they fall. A picture's style is read by ridge regression on those features; R² says how well.

| companion | precision | recall | tenths of styles | R² of the reading |
|---|---|---|---|---|
{variety}
"""


def _files_section(record: dict[str, Any]) -> str:
    files = "\n".join(
        f"| `{name}` | {f['bytes']:,} | `{f['sha256']}` |" for name, f in record["files"].items()
    )
    total = sum(f["bytes"] for f in record["files"].values()) / 1e6
    return f"""## Files, {total:.1f} MB together

| file | bytes | sha256 |
|---|---|---|
{files}
"""
