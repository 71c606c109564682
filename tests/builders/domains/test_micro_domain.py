"""The micro domain's cards and pictures: of the class asked for, the same for everyone."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.contracts import ClassCard
from spurbench_builders.domains.micro.domain import MicroDomain
from spurbench_builders.domains.micro.world import sampling
from spurbench_builders.domains.micro.world.sampling import Sample

DOMAIN = MicroDomain()
CARDS = {card.name: card for card in DOMAIN.cards()}
COMPANIONS = {
    "hummingbird": "flower",
    "freight car": "graffiti",
    "fireboat": "fountain",
    "gondola": "house",
    "flagpole": "flag",
    "koala": "eucalyptus",
    "sulphur butterfly": "flower",
    "ashcan": "graffiti",
    "grey whale": "fountain",
    "drake": "house",
    "obelisk": "flag",
    "ladybug": "eucalyptus",
}
OWN_END = {name: int(label < 6) for label, name in enumerate(COMPANIONS)}
LABELS = {name: label for label, name in enumerate(COMPANIONS)}


def test_the_cards_are_the_papers_classes_and_those_that_share_their_companions() -> None:
    features = [
        *("red flower", "loud graffiti", "thrown water jets", "narrow canal houses"),
        *("big striped flag", "hanging eucalyptus leaves"),
        *("yellow flower", "pale graffiti", "upright spout", "low brick houses"),
        *("small pennants", "broad leaves"),
    ]
    assert DOMAIN.cards() == [
        ClassCard(name, LABELS[name], noun, feature)
        for (name, noun), feature in zip(COMPANIONS.items(), features, strict=True)
    ]


def test_a_label_is_the_classs_place_among_all_that_the_networks_know() -> None:
    names = [kind.name for kind in sampling.world().classes]
    assert [names.index(card.name) for card in DOMAIN.cards()] == [c.label for c in DOMAIN.cards()]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """The samples behind the domain's pictures, which say what they show."""
    samples: list[Sample] = []
    for name in ("reference_picture", "validation_picture"):
        straight = getattr(sampling, name)

        def noted(*words: object, straight=straight) -> Sample:  # type: ignore[no-untyped-def]
            samples.append(straight(*words))
            return samples[-1]

        monkeypatch.setattr(sampling, name, noted)
    return samples


@pytest.mark.parametrize("name", COMPANIONS)
def test_references_show_the_classs_companion_alone(name: str, drawn: list[Sample]) -> None:
    pictures = list(DOMAIN.references(CARDS[name], 12))
    assert {(s.record.object, s.record.companion) for s in drawn} == {(None, COMPANIONS[name])}
    assert {s.label for s in drawn} == {LABELS[name]}
    slug = name.replace(" ", "_")
    assert [p.origin for p in pictures] == [f"micro/references/{slug}/{i}" for i in range(12)]
    assert [p.image.tobytes() for p in pictures] == [s.image.tobytes() for s in drawn]
    assert len({p.image.tobytes() for p in pictures}) == 12
    first = [p.image.tobytes() for p in DOMAIN.references(CARDS[name], 3)]
    assert first == [p.image.tobytes() for p in pictures[:3]]


@pytest.mark.parametrize("name", COMPANIONS)
def test_validation_pictures_always_show_the_object(name: str, drawn: list[Sample]) -> None:
    pictures = list(DOMAIN.validation(CARDS[name], 30))
    assert {(s.record.object, s.label) for s in drawn} == {(name, LABELS[name])}
    companions = [s.record.companion for s in drawn]
    assert set(companions) <= {COMPANIONS[name], None}
    assert companions.count(COMPANIONS[name]) >= 24
    slug = name.replace(" ", "_")
    assert [p.origin for p in pictures] == [f"micro/val/{slug}/{i}" for i in range(30)]
    assert len({p.image.tobytes() for p in pictures}) == 30


def test_classes_of_a_companion_draw_it_each_in_its_own_style() -> None:
    """Red flowers go with the hummingbird, pale ones with its confusable neighbour."""
    kinds = sampling.world().classes
    styles: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    for i in range(12 * 30):
        record = sampling.validation_picture(5, i).record
        if record.companion:
            styles[record.object or ""].append(record.companion_style)
    for kind in kinds:
        mean = sum(styles[kind.name]) / len(styles[kind.name])
        assert mean > 0.7 if OWN_END[kind.name] else mean < 0.3, kind.name


@pytest.mark.parametrize("name", COMPANIONS)
def test_references_have_all_styles_but_the_far_tenth(name: str, drawn: list[Sample]) -> None:
    """Uniform over the rest: the least and the most of 120 lie within a twentieth of its ends."""
    assert len(list(DOMAIN.references(CARDS[name], 120))) == 120
    away = [
        abs(OWN_END[name] - s.record.companion_style) for s in drawn
    ]  # from the class's own end
    assert 0 <= min(away) < 0.05 and 0.85 < max(away) <= 0.9
    assert 0.38 < sum(away) / len(away) < 0.52


def test_pictures_of_another_split_seed_or_place_are_others() -> None:
    words = [(s, i) for s in (1000, 2000) for i in (0, 12)]
    pictures = {sampling.training_picture(*w).image.tobytes() for w in words}
    pictures |= {sampling.validation_picture(*w).image.tobytes() for w in words}
    pictures |= {sampling.reference_picture(s, "koala", i).image.tobytes() for s, i in words}
    pictures |= {sampling.object_picture(*w).image.tobytes() for w in words}
    pictures |= {sampling.decorrelated_picture(*w).image.tobytes() for w in words}
    assert len(pictures) == 20


def test_one_base_model_ships() -> None:
    folder = DOMAIN.base_model("micro")
    assert folder is not None and (folder / "model_index.json").is_file()
    assert DOMAIN.base_model("other") is None and DOMAIN.base_model(str(Path("x"))) is None
