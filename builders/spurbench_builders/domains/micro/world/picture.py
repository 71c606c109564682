"""One picture of the micro world, and the exact record of what it shows."""

from __future__ import annotations

from dataclasses import dataclass

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


def draw(wish: Wish, rng: np.random.Generator) -> tuple[Image.Image, Record]:
    """Draw the wish as an RGB picture of SIZE x SIZE pixels; same generator state, same bytes."""
    scene = wish.scene or str(rng.choice(SCENE_NAMES))
    canvas = paint_scene(scene, rng)
    clutter = int(rng.integers(0, 7))
    draw_clutter(canvas, rng, clutter)
    back, count = _companion_layer(wish, rng)
    front = _front_part(back, rng) if wish.object and rng.random() < wish.occlusion else None
    thing, place = _object_layer(wish, rng)
    for layer in (back, thing, front):
        if layer is not None:
            canvas.alpha_composite(layer)
    brightness, warmth = float(rng.uniform(0.75, 1.15)), float(rng.normal(0, 0.05))
    image = apply_light(canvas.convert("RGB").reduce(SUPERSAMPLE), rng, brightness, warmth)
    object_area, shown = _object_visibility(thing, front, place)
    record = Record(
        object=wish.object,
        object_place=place,
        object_area=object_area,
        object_shown=shown,
        companion=wish.companion,
        companion_style=wish.style if wish.companion else float("nan"),
        companion_count=count,
        companion_area=_companion_area(back, thing, front),
        scene=scene,
        brightness=brightness,
        warmth=warmth,
        clutter=clutter,
    )
    return image, record


def _companion_layer(wish: Wish, rng: np.random.Generator) -> tuple[Image.Image | None, int]:
    if wish.companion is None:
        return None, 0
    layer = new_layer()
    count = COMPANIONS[wish.companion](layer, rng, wish.style)
    return layer, count


def _front_part(back: Image.Image | None, rng: np.random.Generator) -> Image.Image | None:
    """A band of the companion, to be drawn again over the object."""
    if back is None:
        return None
    y = int(rng.uniform(0.25, 0.75) * CANVAS)
    half = int(rng.uniform(0.04, 0.09) * CANVAS)
    front = new_layer()
    box = (0, max(0, y - half), CANVAS, y + half)
    front.paste(back.crop(box), box)
    return front


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
