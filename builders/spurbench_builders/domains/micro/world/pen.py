"""A pen that draws in an object's own coordinates.

Objects and companions are drawn once, around the origin with a radius of about one; the pen
places, sizes, turns and mirrors them. Layers are RGBA and four times the final size, so that the
alpha channel, shrunk, tells how much of each pixel a thing covers.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIZE = 64
SUPERSAMPLE = 4
CANVAS = SIZE * SUPERSAMPLE

Colour = tuple[int, int, int]
Point = tuple[float, float]


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Colour of a hue (a turn is 1, any real number), saturation and value (clipped to [0, 1])."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, _clip(saturation), _clip(value))
    return round(255 * r), round(255 * g), round(255 * b)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour, darker (factor below 1) or lighter (above)."""
    r, g, b = (min(255, max(0, round(c * factor))) for c in colour)
    return r, g, b


def new_layer() -> Image.Image:
    """An empty, transparent layer of CANVAS x CANVAS pixels."""
    return Image.new("RGBA", (CANVAS, CANVAS), (0, 0, 0, 0))


@dataclass(frozen=True)
class Place:
    """Where a thing stands: centre and radius as shares of the picture's side, angle in radians."""

    x: float
    y: float
    radius: float
    angle: float = 0.0
    mirrored: bool = False


class Pen:
    """Draws shapes given in local coordinates (x right, y down, unit = the place's radius)."""

    def __init__(self, layer: Image.Image, place: Place) -> None:
        self._draw = ImageDraw.Draw(layer)
        self._place = place
        self._unit = place.radius * CANVAS

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        self._draw.polygon([self._at(p) for p in points], fill=(*fill, 255))

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, fill: Colour, turn: float = 0.0
    ) -> None:
        self.polygon(ellipse_points(x, y, rx, ry, turn), fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        pixels = max(1, round(width * self._unit))
        self._draw.line(
            [self._at(p) for p in points], fill=(*fill, 255), width=pixels, joint="curve"
        )

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def _at(self, point: Point) -> Point:
        place = self._place
        x, y = (-point[0] if place.mirrored else point[0]), point[1]
        cos, sin = math.cos(place.angle), math.sin(place.angle)
        return (
            place.x * CANVAS + self._unit * (x * cos - y * sin),
            place.y * CANVAS + self._unit * (x * sin + y * cos),
        )


def ellipse_points(
    x: float, y: float, rx: float, ry: float, turn: float = 0.0, count: int = 20
) -> list[Point]:
    """Corners of a polygon that follows an ellipse turned by ``turn`` radians."""
    cos, sin = math.cos(turn), math.sin(turn)
    points = []
    for i in range(count):
        a = 2 * math.pi * i / count
        u, v = rx * math.cos(a), ry * math.sin(a)
        points.append((x + u * cos - v * sin, y + u * sin + v * cos))
    return points


def arc_points(start: Point, end: Point, lift: float, count: int = 14) -> list[Point]:
    """A parabola from start to end that rises ``lift`` above the straight line between them."""
    points = []
    for i in range(count + 1):
        t = i / count
        x = start[0] + (end[0] - start[0]) * t
        y = start[1] + (end[1] - start[1]) * t - 4 * lift * t * (1 - t)
        points.append((x, y))
    return points


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
