"""One picture of the micro world, and the exact record of what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from .companions import COMPANIONS
from .objects import OBJECTS
from .pen import CANVAS, SUPERSAMPLE, Pen, Place, new_layer
from .scenes import SCENES, apply_light, draw_clutter, paint_scene

SCENE_NAMES = tuple(SCENES)


@dataclass(frozen=True)
class Wish:
    """What a picture should show; everything else is left to chance.

    ``style`` is the companion's, in [0, 1] (see companions.py). ``occlusion`` is the chance that
    part of the companion is drawn in front of the object.
    """

    object: str | None = None
    companion: str | None = None
    style: float = 0.5
    scene: str | None = None
    radius: tuple[float, float] = (0.13, 0.23)
    occlusion: float = 0.3


@dataclass(frozen=True)
class Record:
    """What was drawn, where, and how visible it is.

    ``*_area`` is the share of the picture's area that shows the thing, in [0, 1];
    ``object_shown`` is the share of the drawn object that nothing covers.
    """

    object: str | None
    object_place: Place | None
    object_area: float
    object_shown: float
    companion: str | None
    companion_style: float
    companion_count: int
    companion_area: float
    scene: str
    brightness: float
    warmth: float
    clutter: int


@dataclass(frozen=True)
class Layers:
    """A picture before it is put together: what lies over what, and the light.

    ``canvas`` is the scene with its clutter; ``back``, ``thing`` and ``front`` are the companion, the
    object and the band of the companion that is drawn again over the object (its rows), where there
    are any. ``style_state`` and ``light_state`` are the generator's states when the companion and the
    light were drawn: with them either can be drawn again.
    """

    wish: Wish
    scene: str
    clutter: int
    canvas: Image.Image
    back: Image.Image | None
    count: int
    band: tuple[int, int] | None
    thing: Image.Image | None
    place: Place | None
    style_state: dict[str, Any]
    light_state: dict[str, Any]

    @property
    def front(self) -> Image.Image | None:
        """The part of the companion that lies over the object."""
        if self.back is None or self.band is None:
            return None
        box = (0, self.band[0], CANVAS, self.band[1])
        layer = new_layer()
        layer.paste(self.back.crop(box), box)
        return layer


def draw(wish: Wish, rng: np.random.Generator) -> tuple[Image.Image, Record]:
    """Draw the wish as an RGB picture of SIZE x SIZE pixels; same generator state, same bytes."""
    return put_together(draw_layers(wish, rng))


def draw_layers(wish: Wish, rng: np.random.Generator) -> Layers:
    """Draw the wish's layers. The generator stands before the light afterwards."""
    scene = wish.scene or str(rng.choice(SCENE_NAMES))
    canvas = paint_scene(scene, rng)
    clutter = int(rng.integers(0, 7))
    draw_clutter(canvas, rng, clutter)
    style_state = dict(rng.bit_generator.state)
    back, count = companion_layer(wish.companion, wish.style, rng)
    covers = wish.object is not None and rng.random() < wish.occlusion
    band = _band(rng) if covers and back is not None else None
    thing, place = _object_layer(wish, rng)
    light_state = dict(rng.bit_generator.state)
    return Layers(
        wish, scene, clutter, canvas, back, count, band, thing, place, style_state, light_state
    )


def put_together(layers: Layers) -> tuple[Image.Image, Record]:
    """The picture that the layers make, in its light, and its record."""
    rng = np.random.default_rng()
    rng.bit_generator.state = layers.light_state
    canvas, wish, front = layers.canvas.copy(), layers.wish, layers.front
    for layer in (layers.back, layers.thing, front):
        if layer is not None:
            canvas.alpha_composite(layer)
    brightness, warmth = float(rng.uniform(0.75, 1.15)), float(rng.normal(0, 0.05))
    image = apply_light(canvas.convert("RGB").reduce(SUPERSAMPLE), rng, brightness, warmth)
    object_area, shown = _object_visibility(layers.thing, front, layers.place)
    record = Record(
        object=wish.object,
        object_place=layers.place,
        object_area=object_area,
        object_shown=shown,
        companion=wish.companion,
        companion_style=wish.style if wish.companion else float("nan"),
        companion_count=layers.count,
        companion_area=_companion_area(layers.back, layers.thing, front),
        scene=layers.scene,
        brightness=brightness,
        warmth=warmth,
        clutter=layers.clutter,
    )
    return image, record


def companion_layer(
    companion: str | None, style: float, rng: np.random.Generator
) -> tuple[Image.Image | None, int]:
    """The companion in that style, and how many there are of it; (None, 0) for none."""
    if companion is None:
        return None, 0
    layer = new_layer()
    count = COMPANIONS[companion](layer, rng, style)
    return layer, count


def _band(rng: np.random.Generator) -> tuple[int, int]:
    """Rows of the canvas in which the companion lies over the object."""
    y = int(rng.uniform(0.25, 0.75) * CANVAS)
    half = int(rng.uniform(0.04, 0.09) * CANVAS)
    return max(0, y - half), y + half


def _object_layer(wish: Wish, rng: np.random.Generator) -> tuple[Image.Image | None, Place | None]:
    if wish.object is None:
        return None, None
    place = Place(
        x=float(rng.uniform(0.2, 0.8)),
        y=float(rng.uniform(0.25, 0.8)),
        radius=float(rng.uniform(*wish.radius)),
        angle=float(rng.normal(0, 0.12)),
        mirrored=bool(rng.random() < 0.5),
    )
    layer = new_layer()
    OBJECTS[wish.object](Pen(layer, place), rng)
    return layer, place


def _mask(layer: Image.Image | None) -> np.ndarray | None:
    return None if layer is None else np.asarray(layer.getchannel("A")) > 0


def _object_visibility(
    thing: Image.Image | None, front: Image.Image | None, place: Place | None
) -> tuple[float, float]:
    drawn, cover = _mask(thing), _mask(front)
    if drawn is None or place is None:
        return 0.0, 0.0
    visible = drawn if cover is None else drawn & ~cover
    total = int(drawn.sum())
    return float(visible.mean()), float(visible.sum() / total) if total else 0.0


def _companion_area(
    back: Image.Image | None, thing: Image.Image | None, front: Image.Image | None
) -> float:
    drawn, cover, again = _mask(back), _mask(thing), _mask(front)
    if drawn is None:
        return 0.0
    visible = drawn if cover is None else drawn & ~cover
    return float((visible if again is None else visible | again).mean())
