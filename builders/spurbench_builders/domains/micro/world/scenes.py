"""Backgrounds, clutter and light: what varies without saying anything of the class."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from .pen import CANVAS, SIZE, Colour, Pen, Place, hsv, new_layer, shade

Scene = Callable[[Image.Image, np.random.Generator], None]
SCENES: dict[str, Scene] = {}


def _scene(painter: Scene) -> Scene:
    SCENES[painter.__name__] = painter
    return painter


def _gradient(layer: Image.Image, top: Colour, bottom: Colour) -> None:
    ramp = np.linspace(0.0, 1.0, CANVAS)[:, None, None]
    rows = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    pixels = np.broadcast_to(rows, (CANVAS, CANVAS, 3)).astype(np.uint8)
    layer.paste(Image.fromarray(pixels))


def _sky(layer: Image.Image, rng: np.random.Generator) -> None:
    hue = 0.57 + rng.normal(0, 0.03)
    top = hsv(hue, rng.uniform(0.3, 0.65), rng.uniform(0.6, 0.95))
    _gradient(layer, top, hsv(hue, rng.uniform(0.05, 0.3), rng.uniform(0.8, 1.0)))


@_scene
def plain(layer: Image.Image, rng: np.random.Generator) -> None:
    hue, saturation = rng.uniform(0, 1), rng.uniform(0.0, 0.4)
    value = rng.uniform(0.35, 0.9)
    _gradient(
        layer, hsv(hue, saturation, value), hsv(hue, saturation, value * rng.uniform(0.6, 1.1))
    )


@_scene
def beach(layer: Image.Image, rng: np.random.Generator) -> None:
    _sky(layer, rng)
    pen = Pen(layer, Place(0, 0, 1.0))
    shore = rng.uniform(0.55, 0.75)
    pen.rectangle(
        0, shore - rng.uniform(0.12, 0.25), 1, shore, hsv(0.53, 0.6, rng.uniform(0.5, 0.75))
    )
    sand = hsv(0.115, rng.uniform(0.25, 0.4), rng.uniform(0.8, 0.95))
    points = [(k / 10, shore + 0.015 * math.sin(k * 1.3)) for k in range(11)]
    pen.polygon([*points, (1, 1), (0, 1)], sand)


@_scene
def garden(layer: Image.Image, rng: np.random.Generator) -> None:
    hue = 0.29 + rng.normal(0, 0.03)
    value = rng.uniform(0.3, 0.55)
    _gradient(layer, hsv(hue, 0.5, value), hsv(hue, 0.6, value * 0.75))
    pen = Pen(layer, Place(0, 0, 1.0))
    for _ in range(40):
        x, y = rng.uniform(0, 1), rng.uniform(0, 1)
        tone = hsv(hue + rng.normal(0, 0.03), 0.55, value * rng.uniform(0.7, 1.35))
        pen.ellipse(x, y, rng.uniform(0.02, 0.06), rng.uniform(0.02, 0.06), tone)


@_scene
def mountain(layer: Image.Image, rng: np.random.Generator) -> None:
    _sky(layer, rng)
    pen = Pen(layer, Place(0, 0, 1.0))
    peak = (rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.35))
    rock = hsv(0.6, rng.uniform(0.1, 0.3), rng.uniform(0.35, 0.55))
    pen.polygon([(peak[0] - 0.7, 0.85), peak, (peak[0] + 0.7, 0.85)], rock)
    pen.polygon(
        [(peak[0] - 0.16, peak[1] + 0.15), peak, (peak[0] + 0.16, peak[1] + 0.15)], (240, 242, 248)
    )
    pen.rectangle(0, 0.78, 1, 1, hsv(0.27, 0.35, rng.uniform(0.35, 0.55)))


@_scene
def market(layer: Image.Image, rng: np.random.Generator) -> None:
    ground = hsv(0.08, rng.uniform(0.1, 0.25), rng.uniform(0.4, 0.6))
    _gradient(layer, shade(ground, 1.25), shade(ground, 0.8))
    pen = Pen(layer, Place(0, 0, 1.0))
    hue, depth = rng.uniform(0, 1), rng.uniform(0.18, 0.28)
    for k in range(10):
        tone = hsv(hue, 0.5, 0.75) if k % 2 else (232, 226, 215)
        pen.rectangle(k / 10, 0, (k + 1) / 10, depth, tone)
        pen.ellipse((k + 0.5) / 10, depth, 0.05, 0.03, tone)
    for _ in range(int(rng.integers(2, 5))):
        x, y = rng.uniform(0, 0.85), rng.uniform(0.65, 0.9)
        pen.rectangle(x, y, x + 0.15, y + 0.12, hsv(0.08, 0.5, rng.uniform(0.35, 0.6)))


def draw_clutter(layer: Image.Image, rng: np.random.Generator, count: int) -> None:
    """Small stones, sticks and leaves of any colour, anywhere."""
    for _ in range(count):
        place = Place(
            rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.02, 0.06), rng.uniform(0, 6)
        )
        colour = hsv(rng.uniform(0, 1), rng.uniform(0.1, 0.55), rng.uniform(0.25, 0.85))
        pen = Pen(layer, place)
        kind = rng.integers(3)
        if kind == 0:
            pen.ellipse(0, 0, 1, rng.uniform(0.5, 1), colour)
        elif kind == 1:
            pen.line([(-1.5, 0), (1.5, rng.uniform(-0.5, 0.5))], colour, 0.35)
        else:
            pen.polygon([(-1, 0.6), (0, -1), (1, 0.5)], colour)


def paint_scene(name: str, rng: np.random.Generator) -> Image.Image:
    """An opaque layer showing the named scene."""
    layer = new_layer()
    SCENES[name](layer, rng)
    layer.putalpha(255)
    return layer


def apply_light(
    image: Image.Image, rng: np.random.Generator, brightness: float, warmth: float
) -> Image.Image:
    """Scale brightness, tint red against blue, blur a little and add sensor noise."""
    pixels = np.asarray(image, dtype=np.float32)
    gain = brightness * np.array([1 + warmth, 1.0, 1 - warmth], dtype=np.float32)
    noise = rng.normal(0, rng.uniform(0.5, 4.0), size=(SIZE, SIZE, 3)).astype(np.float32)
    lit = np.clip(pixels * gain + noise, 0, 255).round().astype(np.uint8)
    result = Image.fromarray(lit)
    blur = rng.uniform(0.0, 0.6)
    return result.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.3 else result


__all__ = ["SCENES", "apply_light", "draw_clutter", "paint_scene"]
