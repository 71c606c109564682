"""The shipped networks do what the model card says, on pictures they were never trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
import torch

from spurbench import plugins
from spurbench.contracts import FeatureClassifier
from spurbench.prediction import predict, to_tensor
from spurbench_builders.checks.audit import object_probabilities
from spurbench_builders.domains.micro.world import sampling
from spurbench_builders.inputs.panel import fools_all, panel_predictions
from spurbench_builders.recipes.files import load_recipe

PANEL = [network.spec for network in load_recipe("micro").panel]
FRESH = 77


def validation() -> Iterator[sampling.Sample]:
    return (sampling.validation_picture(FRESH, i) for i in range(1200))


@pytest.mark.parametrize("spec", PANEL)
def test_top1_on_fresh_validation_pictures(spec: str) -> None:
    samples = list(validation())
    said = predict(plugins.classifier(spec), [s.image for s in samples])
    hits = [p.label == s.label for p, s in zip(said, samples, strict=True)]
    assert np.mean(hits) >= 0.94, "0.95 on the full validation split; 1,200 pictures leave a point"


def test_every_class_is_neither_never_nor_always_spurious() -> None:
    panel = [plugins.classifier(spec) for spec in PANEL]
    for card in plugins.domain("micro").cards():
        pool = [p.image for p in plugins.domain("micro").references(card, 150)]
        said = panel_predictions(panel, pool, card.label)
        mean = np.mean([[p.label == card.label for p in row] for row in said])
        everyone = np.mean([fools_all(row, card.label) for row in said])
        assert 0.25 <= mean <= 0.95, (card.name, mean)
        assert 0.10 <= everyone <= 0.80, (card.name, everyone)


def test_features_and_head_make_the_logits() -> None:
    for spec in PANEL:
        network = cast(FeatureClassifier, plugins.classifier(spec))
        images = torch.stack([to_tensor(s.image) for s in (next(validation()),)]).requires_grad_()
        weight, bias = network.head
        features = network.features(images)
        torch.testing.assert_close(
            features @ weight.T + bias, network.logits(images), atol=1e-4, rtol=1e-4
        )
        features.sum().backward()  # type: ignore[no-untyped-call]
        assert images.grad is not None and images.grad.abs().sum() > 0


def test_the_referee_tells_objects_from_companions() -> None:
    referee = plugins.classifier("micro/referee")
    samples = [sampling.decorrelated_picture(FRESH, i) for i in range(900)]
    images = [s.image for s in samples]
    found, missed, wrong = 0, 0, []
    for card in plugins.domain("micro").cards():
        probabilities = np.array(object_probabilities(images, referee, card.name))
        there = np.array(
            [s.record.object == card.name and s.record.object_shown > 0.5 for s in samples]
        )
        found += int((probabilities[there] > 0.5).sum())
        missed += int((probabilities[there] <= 0.5).sum())
        wrong.append((probabilities[[s.record.object != card.name for s in samples]] > 0.5).mean())
    assert found / (found + missed) > 0.9
    assert np.mean(wrong) < 0.02
