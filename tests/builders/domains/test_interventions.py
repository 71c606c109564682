"""An intervention changes what it names, and no pixel elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from spurbench_builders.domains.micro.world.interventions import (
    CHANGES,
    changed_picture,
    no_object,
    other_object,
    other_style,
)
from spurbench_builders.domains.micro.world.pen import SIZE
from spurbench_builders.domains.micro.world.picture import (
    Layers,
    Wish,
    draw,
    draw_layers,
    put_together,
)
from spurbench_builders.domains.micro.world.sampling import generator, world

KINDS = [(kind.name, index) for kind in world().classes for index in range(3)]


def wish_of(name: str) -> Wish:
    kind = next(k for k in world().classes if k.name == name)
    return Wish(name, kind.companion, 0.8)


def near(*layers: Image.Image | None) -> np.ndarray:
    """Where any of the layers shows, and three pixels around it (light blurs by less)."""
    shown = np.zeros((SIZE, SIZE), bool)
    for layer in layers:
        if layer is not None:
            small = layer.getchannel("A").point(lambda a: 255 * (a > 0)).reduce(layer.width // SIZE)
            shown |= (
                np.asarray(small.point(lambda a: 255 * (a > 0)).filter(ImageFilter.MaxFilter(7)))
                > 0
            )
    return shown


def pixels(layers: Layers, change: str, seed: int) -> tuple[np.ndarray, Layers]:
    changed = CHANGES[change](layers, np.random.default_rng(seed))
    return np.asarray(put_together(changed)[0]).astype(int), changed


@pytest.mark.parametrize(("name", "index"), KINDS)
def test_only_what_is_named_changes(name: str, index: int) -> None:
    layers = draw_layers(wish_of(name), generator(5, name, index))
    before, _ = pixels(layers, "as drawn", 0)
    for change in CHANGES:
        after, changed = pixels(layers, change, index)
        differs = (before != after).any(axis=2)
        touched = {
            "as drawn": (),
            "no object": (layers.thing,),
            "other object": (layers.thing, changed.thing),
            "neither": (layers.back, layers.thing),
        }.get(change, (layers.back, changed.back))
        assert not (differs & ~near(*touched)).any(), change
        assert differs.any() == (change != "as drawn"), change


def test_records_say_what_an_intervention_leaves() -> None:
    layers = draw_layers(wish_of("koala"), generator(5, "koala", 0))
    left = {
        change: (made.wish.object, made.wish.companion)
        for change in CHANGES
        for made in [CHANGES[change](layers, np.random.default_rng(1))]
    }
    assert left["as drawn"] == left["other style"] == ("koala", "eucalyptus")
    assert left["no companion"] == ("koala", None) and left["no object"] == (None, "eucalyptus")
    assert left["neither"] == (None, None)
    assert left["other companion"][0] == "koala" and left["other object"][1] == "eucalyptus"
    pair = {"koala", "ladybug"}
    for seed in range(40):
        made = CHANGES["other companion"](layers, np.random.default_rng(seed))
        assert made.wish.companion != "eucalyptus"
        assert other_object(layers, np.random.default_rng(seed)).wish.object not in pair


def test_a_style_becomes_that_of_the_other_class() -> None:
    layers = draw_layers(Wish("hummingbird", "flower", 0.9), generator(5, "h", 1))
    turned = other_style(layers, np.random.default_rng(0))
    assert turned.wish.style == pytest.approx(0.1) and turned.count == layers.count
    assert turned.back is not None and layers.back is not None
    mask, again = (np.asarray(back.getchannel("A")) > 0 for back in (layers.back, turned.back))
    assert (mask == again).all(), "yellow flowers where the red ones were"
    colours = [np.asarray(back)[mask][:, :3].mean(axis=0) for back in (layers.back, turned.back)]
    assert colours[1][1] > colours[0][1] + 40, "greener, for yellow is red and green"


def test_an_object_is_replaced_at_its_place() -> None:
    layers = draw_layers(wish_of("drake"), generator(5, "drake", 2))
    made = other_object(layers, np.random.default_rng(3))
    assert made.place == layers.place and made.wish.object != "drake"
    with pytest.raises(ValueError, match="no object"):
        other_object(no_object(layers, np.random.default_rng(0)), np.random.default_rng(0))


def test_pictures_are_decided_by_seed_class_and_index() -> None:
    first, again = (changed_picture(3, "fireboat", 4) for _ in range(2))
    assert first.label == 2 and list(first.images) == list(CHANGES)
    assert {k: v.tobytes() for k, v in first.images.items()} == {
        k: v.tobytes() for k, v in again.images.items()
    }
    others = [changed_picture(4, "fireboat", 4), changed_picture(3, "fireboat", 5)]
    for other in others:
        assert other.images["as drawn"].tobytes() != first.images["as drawn"].tobytes()


def test_a_picture_as_drawn_is_the_world_s_own() -> None:
    wish = wish_of("gondola")
    plain, _ = draw(wish, generator(5, "g", 0))
    layered, _ = pixels(draw_layers(wish, generator(5, "g", 0)), "as drawn", 0)
    assert (np.asarray(plain) == layered).all()
