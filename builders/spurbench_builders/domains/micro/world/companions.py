"""The six spurious companions.

Each is shared by two classes, which lean to opposite ends of its *style* (0 to 1): hue for
flowers and leaves, loudness for graffiti, spread for water jets, narrowness and colour for
houses, size for flags. Style is what makes the same companion speak for one class or the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from .pen import Colour, Pen, Place, arc_points, hsv, shade

Companion = Callable[[Image.Image, np.random.Generator, float], int]
COMPANIONS: dict[str, Companion] = {}


def _companion(painter: Companion) -> Companion:
    COMPANIONS[painter.__name__] = painter
    return painter


def _mix(low: float, high: float, style: float) -> float:
    return low + (high - low) * style


@_companion
def flower(layer: Image.Image, rng: np.random.Generator, style: float) -> int:
    """Yellow (style 0) over orange to red and pink (style 1)."""
    count = int(rng.integers(1, 5))
    hue = _mix(0.17, -0.06, style)
    petals = int(rng.integers(5, 9))
    for _ in range(count):
        radius = rng.uniform(0.13, 0.24) * (1.15 if count < 3 else 0.85)
        place = Place(rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.8), radius, rng.uniform(0, 6))
        colour = hsv(hue + rng.normal(0, 0.012), rng.uniform(0.7, 1.0), rng.uniform(0.7, 1.0))
        stem = Pen(layer, Place(place.x, place.y, radius))
        stem.line([(0, 0), (rng.normal(0, 0.4), 4.0)], hsv(0.32, 0.6, 0.4), 0.14)
        _bloom(Pen(layer, place), colour, petals)
    return count


def _bloom(pen: Pen, colour: Colour, petals: int) -> None:
    for i in range(petals):
        a = 2 * math.pi * i / petals
        tone = shade(colour, 0.88 if i % 2 else 1.0)
        pen.ellipse(0.58 * math.cos(a), 0.58 * math.sin(a), 0.44, 0.27, tone, turn=a)
    pen.ellipse(0, 0, 0.27, 0.27, hsv(0.1, 0.8, 0.35))


@_companion
def eucalyptus(layer: Image.Image, rng: np.random.Generator, style: float) -> int:
    """Broad, fresh green leaves (style 0) to slender, hanging, blue-green ones (style 1)."""
    twigs = int(rng.integers(2, 5))
    hue = _mix(0.26, 0.44, style)
    width = _mix(0.46, 0.15, style)
    for _ in range(twigs):
        x, y = rng.uniform(0.1, 0.9), rng.uniform(-0.05, 0.35)
        lean = rng.normal(0, 0.35)
        for k in range(int(rng.integers(5, 9))):
            drop = 0.09 * k
            side = 1 if k % 2 else -1
            angle = math.pi / 2 + lean - side * rng.uniform(0.4, 0.9)
            place = Place(x + lean * drop, y + drop, rng.uniform(0.1, 0.17), angle)
            colour = hsv(hue + rng.normal(0, 0.015), _mix(0.7, 0.38, style), rng.uniform(0.4, 0.75))
            pen = Pen(layer, place)
            pen.ellipse(0.9, 0, 1.0, width, colour)
            pen.line([(0, 0), (1.8, 0)], shade(colour, 0.7), 0.06)
    return twigs


@_companion
def graffiti(layer: Image.Image, rng: np.random.Generator, style: float) -> int:
    """A wall with thin, pale scrawls (style 0) to fat, saturated tags (style 1)."""
    wall = Pen(layer, Place(0.5, rng.uniform(0.42, 0.58), 0.5))
    height = rng.uniform(0.5, 0.95)
    tone = hsv(rng.uniform(0.03, 0.12), rng.uniform(0.05, 0.3), rng.uniform(0.45, 0.75))
    wall.rectangle(-1.1, -height, 1.1, height, tone)
    for i in range(int(6 * height)):
        y = -height + i / 3
        wall.line([(-1.1, y), (1.1, y)], shade(tone, 0.9), 0.02)
    tags = int(rng.integers(2, 6))
    for _ in range(tags):
        _tag(wall, rng, style, height)
    return tags


def _tag(wall: Pen, rng: np.random.Generator, style: float, height: float) -> None:
    x, y = rng.uniform(-0.85, 0.5), rng.uniform(-height, height) * 0.7
    colour = hsv(rng.uniform(0, 1), _mix(0.25, 0.95, style), rng.uniform(0.55, 1.0))
    width = _mix(0.05, 0.2, style) * rng.uniform(0.8, 1.2)
    step = _mix(0.12, 0.24, style)
    points = [(x, y)]
    for _ in range(int(rng.integers(3, 6))):
        x += step * rng.uniform(0.4, 1.1)
        points.append((x, y + rng.uniform(-0.3, 0.3)))
    wall.line(points, (25, 25, 30), width * 1.4)
    wall.line(points, colour, width)


@_companion
def fountain(layer: Image.Image, rng: np.random.Generator, style: float) -> int:
    """One upright, forked spout (style 0) to a wide fan of thrown jets (style 1)."""
    count = 2 + round(_mix(0.0, 5.0, style) + rng.uniform(-0.5, 0.8))
    x0, y0 = rng.uniform(0.3, 0.7), rng.uniform(0.62, 0.85)
    reach = _mix(0.12, 0.62, style)
    pen = Pen(layer, Place(0, 0, 1.0))
    side = rng.choice([-1.0, 1.0])
    for i in range(count):
        spread = 2 * (i + 0.5) / count - 1 + rng.normal(0, 0.08)
        throw = spread * reach + side * 0.12 * style
        lift = rng.uniform(0.35, 0.6) - 0.1 * style * abs(spread)
        path = arc_points((x0, y0), (x0 + throw, y0 + rng.uniform(-0.05, 0.08)), lift)
        tone = int(rng.uniform(215, 255))
        for j, point in enumerate(path[1:], start=1):
            pen.line([path[j - 1], point], (tone - 15, tone - 5, 255), 0.016 + 0.0022 * j)
    for _ in range(25):
        x, y = x0 + rng.normal(0, reach * 0.7 + 0.04), y0 - abs(rng.normal(0, 0.22))
        pen.ellipse(x, y, 0.008, 0.01, (240, 246, 255))
    pen.ellipse(x0, y0 + 0.02, 0.1 + 0.12 * style, 0.035, (225, 238, 250))
    return count


@_companion
def house(layer: Image.Image, rng: np.random.Generator, style: float) -> int:
    """Wide, low, brick-red houses (style 0) to a row of tall, narrow, coloured ones (style 1)."""
    pen = Pen(layer, Place(0, 0, 1.0))
    ground = rng.uniform(0.55, 0.72)
    x, count = rng.uniform(-0.15, 0.0), 0
    base_width = _mix(0.42, 0.15, style)
    while x < 1.0:
        width = base_width * rng.uniform(0.8, 1.2)
        height = _mix(0.24, 0.5, style) * rng.uniform(0.8, 1.15)
        hue = rng.normal(0.03, 0.015) if rng.random() > style else rng.uniform(0, 1)
        _facade(pen, (x, ground - height, x + width, ground), hue, rng)
        x, count = x + width, count + 1
    pen.rectangle(-0.1, ground, 1.1, ground + 0.02, (70, 65, 60))
    water = hsv(0.5 + rng.normal(0, 0.03), 0.45, rng.uniform(0.35, 0.6))
    pen.rectangle(-0.1, ground + 0.02, 1.1, 1.1, water)
    for _ in range(12):
        u, v = rng.uniform(0, 1), rng.uniform(ground + 0.04, 1)
        pen.line([(u, v), (u + rng.uniform(0.05, 0.15), v)], shade(water, 1.2), 0.008)
    return count


def _facade(
    pen: Pen, box: tuple[float, float, float, float], hue: float, rng: np.random.Generator
) -> None:
    x0, y0, x1, y1 = box
    wall = hsv(hue, rng.uniform(0.4, 0.7), rng.uniform(0.55, 0.88))
    pen.rectangle(x0, y0, x1, y1, wall)
    pen.polygon(
        [(x0, y0), ((x0 + x1) / 2, y0 - 0.09), (x1, y0)], hsv(0.03, 0.6, rng.uniform(0.3, 0.5))
    )
    columns, rows = max(2, round((x1 - x0) / 0.08)), max(2, round((y1 - y0) / 0.11))
    du, dv = (x1 - x0) / columns, (y1 - y0) / rows
    for i in range(columns):
        for j in range(rows):
            u, v = x0 + du * (i + 0.5), y0 + dv * (j + 0.5)
            pen.rectangle(u - du * 0.22, v - dv * 0.28, u + du * 0.22, v + dv * 0.28, (45, 50, 62))


@_companion
def flag(layer: Image.Image, rng: np.random.Generator, style: float) -> int:
    """Several little pennants (style 0) to one big striped flag with a canton (style 1)."""
    count = max(1, round(_mix(6.0, 1.0, style) + rng.uniform(-0.6, 0.6)))
    radius = _mix(0.07, 0.32, style)
    palette = rng.choice([0.0, 0.6, 0.33, 0.1])
    for _ in range(count):
        place = Place(
            rng.uniform(0.2, 0.8),
            rng.uniform(0.15, 0.75),
            radius * rng.uniform(0.85, 1.2),
            rng.normal(0, 0.12),
            bool(rng.random() < 0.3),
        )
        _stripes(Pen(layer, place), palette, rng, canton=style > rng.uniform(0.2, 0.6))
    return count


def _stripes(pen: Pen, hue: float, rng: np.random.Generator, *, canton: bool) -> None:
    stripes = int(rng.integers(3, 8))
    wave, phase = rng.uniform(0.04, 0.14), rng.uniform(0, 6)
    colour = hsv(hue, rng.uniform(0.75, 1.0), rng.uniform(0.6, 0.9))
    xs = [-1 + 0.25 * k for k in range(9)]
    lifts = [wave * math.sin(3 * x + phase) for x in xs]
    for i in range(stripes):
        top, bottom = -0.62 + 1.24 * i / stripes, -0.62 + 1.24 * (i + 1) / stripes
        upper = [(x, top + d) for x, d in zip(xs, lifts, strict=True)]
        lower = [(x, bottom + d) for x, d in zip(xs, lifts, strict=True)]
        pen.polygon(upper + lower[::-1], colour if i % 2 == 0 else (244, 244, 240))
    if canton:
        blue = hsv(hue + 0.6, 0.8, 0.45)
        pen.polygon([(-1, -0.62), (-0.15, -0.6), (-0.15, 0.05), (-1, 0.05)], blue)
        for x, y in ((-0.8, -0.45), (-0.4, -0.45), (-0.6, -0.28), (-0.8, -0.1), (-0.4, -0.1)):
            pen.ellipse(x, y, 0.06, 0.06, (250, 250, 250))
