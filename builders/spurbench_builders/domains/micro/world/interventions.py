"""Pictures of the micro world in which one thing is changed and all else stays as it was drawn.

What a classifier answers before and after tells what it relies on: the renderer can do to a picture
what nobody can do to a photograph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from .objects import OBJECTS
from .pen import Pen, new_layer
from .picture import Layers, Wish, companion_layer, draw_layers, put_together
from .sampling import generator, world

Change = Callable[[Layers, np.random.Generator], Layers]


@dataclass(frozen=True)
class Changed:
    """A picture of class ``label`` as drawn and under each change, all RGB and of one size."""

    label: int
    images: dict[str, Image.Image]


def as_drawn(layers: Layers, rng: np.random.Generator) -> Layers:
    """The picture itself: object and companion of one class."""
    return layers


def no_companion(layers: Layers, rng: np.random.Generator) -> Layers:
    """The companion is gone, also where it lay over the object."""
    return replace(layers, wish=replace(layers.wish, companion=None), back=None, count=0)


def other_companion(layers: Layers, rng: np.random.Generator) -> Layers:
    """Another pair's companion in its place, of any style."""
    others = [name for name in world().nouns if name != layers.wish.companion]
    wish = replace(layers.wish, companion=str(rng.choice(others)), style=float(rng.uniform()))
    return _with_companion(layers, wish, rng)


def other_style(layers: Layers, rng: np.random.Generator) -> Layers:
    """The same companion in the style that is as far from the other end as this is from its own: the
    style of the class that shares the companion. Where it is and how often, it keeps as far as its
    painter asks chance the same questions."""
    again = _at(layers.style_state)
    return _with_companion(layers, replace(layers.wish, style=1 - layers.wish.style), again)


def no_object(layers: Layers, rng: np.random.Generator) -> Layers:
    """The object is gone; the companion stays."""
    wish = replace(layers.wish, object=None)
    return replace(layers, wish=wish, thing=None, place=None, band=None)


def other_object(layers: Layers, rng: np.random.Generator) -> Layers:
    """An object of a class with another companion, at the same place and of the same size."""
    if layers.place is None:
        raise ValueError("there is no object to be replaced")
    own = layers.wish.companion
    others = [kind.name for kind in world().classes if kind.companion != own]
    name = str(rng.choice(others))
    layer = new_layer()
    OBJECTS[name](Pen(layer, layers.place), rng)
    return replace(layers, wish=replace(layers.wish, object=name), thing=layer)


def neither(layers: Layers, rng: np.random.Generator) -> Layers:
    """The scene alone."""
    return no_object(no_companion(layers, rng), rng)


CHANGES: dict[str, Change] = {
    "as drawn": as_drawn,
    "no companion": no_companion,
    "other companion": other_companion,
    "other style": other_style,
    "no object": no_object,
    "other object": other_object,
    "neither": neither,
}


def changed_picture(seed: int, class_name: str, index: int) -> Changed:
    """Picture ``index`` of a class with its object and its companion, and each change of it."""
    kind = next(c for c in world().classes if c.name == class_name)
    rng = generator(seed, f"interventions/{class_name}", index)
    wish = Wish(kind.name, kind.companion, float(rng.beta(*kind.style)))
    layers = draw_layers(wish, rng)
    images = {}
    for name, change in CHANGES.items():
        own = generator(seed, f"interventions/{class_name}/{name}", index)
        images[name] = put_together(change(layers, own))[0]
    return Changed(kind.label, images)


def _with_companion(layers: Layers, wish: Wish, rng: np.random.Generator) -> Layers:
    back, count = companion_layer(wish.companion, wish.style, rng)
    return replace(layers, wish=wish, back=back, count=count)


def _at(state: dict[str, Any]) -> np.random.Generator:
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return rng
