"""Cards: every pretrained name resolves without weights or is an exception of docs/models.md."""

from __future__ import annotations

import re

import pytest
import torch

from spurbench import plugins
from spurbench.contracts import ModelCard
from spurbench.errors import UserError
from spurbench.prediction import framed, to_tensor
from tests.conftest import ROOT, picture

PAGE = ROOT / "docs" / "models.md"


def exceptions_of_the_page(loader: str) -> set[str]:
    """Names in the list items of a loader's section."""
    section = PAGE.read_text(encoding="utf-8").split(f"### {loader} ")[1]
    section = re.split(r"\n### |<!-- models:end", section)[0]
    items = [line for line in section.splitlines() if line.startswith("- ")]
    return {name for line in items for name in re.findall(r"`([^`]+)`", line)}


def resolved(loader: str) -> tuple[dict[str, ModelCard], set[str]]:
    """Cards by spec, and the specs that have none."""
    cards, without = {}, set()
    for spec in plugins.model_names(loader):
        try:
            cards[spec] = plugins.card(spec)
        except UserError:
            without.add(spec)
    return cards, without


def normalised(card: ModelCard, pixels: torch.Tensor) -> torch.Tensor:
    assert card.normalisation is not None
    mean, std = torch.tensor(card.normalisation.mean), torch.tensor(card.normalisation.std)
    return (pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1)


@pytest.mark.parametrize(
    ("loader", "at_least"),
    [
        ("timm", 1400),
        ("torchvision", 114),
        pytest.param("robustbench", 42, marks=pytest.mark.robustbench),
    ],
)
def test_every_name_resolves_or_is_an_exception(loader: str, at_least: int) -> None:
    cards, without = resolved(loader)
    assert without == exceptions_of_the_page(loader), "run scripts/models_page.py"
    assert len(cards) >= at_least
    for spec, card in cards.items():
        assert card.spec == spec
        assert card.label_space.domain == "imagenet"
        assert len(card.label_space.domain_columns()) >= 991


def test_timm_transforms_are_timms_own() -> None:
    from timm.data import create_transform, resolve_data_config
    from timm.models import get_pretrained_cfg

    cards, _ = resolved("timm")
    kinds = {card.transform: card for card in cards.values()}
    assert {t.framing for t in kinds} == {"crop", "squash"}
    image = picture(3, (150, 90))
    for card in kinds.values():
        config = get_pretrained_cfg(card.spec.removeprefix("timm/")).to_dict()
        theirs = create_transform(**resolve_data_config(pretrained_cfg=config))(image)
        ours = normalised(card, to_tensor(framed(image, card.transform)))
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0, msg=card.spec)


def test_torchvision_transforms_are_torchvisions_own() -> None:
    from torchvision import models

    image = picture(3, (150, 90))
    cards, _ = resolved("torchvision")
    for card in {card.transform: card for card in cards.values()}.values():
        name, _, weights = card.spec.removeprefix("torchvision/").partition(":")
        if name in {"googlenet", "inception_v3"}:
            continue  # these two rescale inside; test_torchvision.py holds them to the whole
        theirs = models.get_model_weights(name)[weights].transforms()(image)
        ours = normalised(card, to_tensor(framed(image, card.transform)))
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0, msg=card.spec)


def test_the_21k_vit_of_the_specification() -> None:
    card = plugins.card("timm/vit_base_patch16_224.augreg_in21k")
    assert card.label_space.name == "imagenet-21k-goog" and len(card.label_space.names) == 21843
    assert card.transform.size == 224


def test_cards_say_the_spec_in_full() -> None:
    assert plugins.card("micro/vit").label_space.domain == "micro"
    assert plugins.card("timm/resnet50").spec == "timm/resnet50.a1_in1k"
    assert plugins.card("torchvision/resnet50").spec == "torchvision/resnet50:IMAGENET1K_V2"


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ("timm/resnet50.a1_in2k", {}, "unknown timm model 'resnet50.a1_in2k'; did you mean"),
        ("timm/vit_base_patch16_clip_224.openai", {}, "its head of 512 outputs fits no known"),
        ("timm/resnet50", {"label_space": "imagenet-12k"}, "has 11821 outputs, but timm/resnet50"),
        ("torchvision/resnet05", {}, "unknown torchvision model 'resnet05'; did you mean"),
        ("torchvision/resnet50:V3", {}, "unknown weights of torchvision/resnet50 'V3'; known: "),
        ("micro/vitt", {}, "unknown micro model 'vitt'; did you mean 'vit'"),
        ("python/json:loads", {}, "the loader 'python' knows a model only once it is loaded"),
    ],
)
def test_cards_that_do_not_resolve(spec: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        plugins.card(spec, **options)
