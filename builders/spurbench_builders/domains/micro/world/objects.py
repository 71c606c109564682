"""The twelve class objects, each drawn around the origin with a radius of about one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .pen import Colour, Pen, hsv, shade

Painter = Callable[[Pen, np.random.Generator], None]
OBJECTS: dict[str, Painter] = {}


def _object(painter: Painter) -> Painter:
    OBJECTS[painter.__name__.replace("_", " ")] = painter
    return painter


def _near(rng: np.random.Generator, hue: float, spread: float, s: float, v: float) -> Colour:
    return hsv(hue + rng.normal(0, spread), s + rng.normal(0, 0.08), v + rng.normal(0, 0.08))


@_object
def hummingbird(pen: Pen, rng: np.random.Generator) -> None:
    body = _near(rng, 0.42, 0.06, 0.65, 0.5)
    wing = shade(body, 1.5)
    lift = rng.uniform(0.5, 1.0)
    pen.polygon([(-0.2, -0.05), (-0.75, -lift), (0.15, -0.15)], wing)
    pen.polygon([(-0.1, 0.0), (0.1, -lift - 0.1), (0.3, -0.1)], shade(wing, 0.85))
    pen.ellipse(0.0, 0.1, 0.48, 0.22, body, turn=-0.35)
    pen.polygon([(-0.35, 0.2), (-0.95, 0.65), (-0.6, 0.15)], shade(body, 0.7))
    pen.ellipse(0.42, -0.15, 0.2, 0.18, shade(body, 0.9))
    pen.line([(0.55, -0.18), (1.1, -0.32)], (35, 35, 35), 0.08)
    pen.ellipse(0.45, -0.19, 0.05, 0.05, (15, 15, 15))


@_object
def freight_car(pen: Pen, rng: np.random.Generator) -> None:
    side = _near(rng, rng.choice([0.04, 0.07, 0.6]), 0.02, 0.5, 0.42)
    pen.rectangle(-1.0, -0.5, 1.0, 0.35, side)
    pen.rectangle(-1.0, -0.58, 1.0, -0.48, shade(side, 0.6))
    pen.rectangle(-0.25, -0.45, 0.25, 0.33, shade(side, 0.78))
    for x in (-0.75, -0.5, 0.5, 0.75):
        pen.line([(x, -0.45), (x, 0.33)], shade(side, 0.68), 0.05)
    for x in (-0.7, -0.4, 0.4, 0.7):
        pen.ellipse(x, 0.48, 0.15, 0.15, (30, 30, 32))


@_object
def fireboat(pen: Pen, rng: np.random.Generator) -> None:
    hull = _near(rng, 0.0, 0.015, 0.8, 0.65)
    pen.polygon([(-1.0, 0.1), (1.05, 0.0), (0.75, 0.5), (-0.85, 0.5)], hull)
    pen.rectangle(-0.5, -0.3, 0.3, 0.1, (232, 232, 228))
    pen.rectangle(-0.35, -0.6, 0.05, -0.3, (215, 215, 212))
    for x in (-0.38, -0.1, 0.15):
        pen.rectangle(x, -0.2, x + 0.13, -0.05, (40, 60, 90))
    pen.line([(0.5, 0.05), (0.85, -0.35)], (60, 60, 65), 0.1)
    pen.line([(-0.85, 0.32), (0.85, 0.28)], (240, 240, 240), 0.06)


@_object
def gondola(pen: Pen, rng: np.random.Generator) -> None:
    hull = hsv(rng.uniform(0, 1), 0.2, rng.uniform(0.08, 0.2))
    pen.polygon(
        [(-1.1, -0.35), (-0.8, 0.1), (0.8, 0.1), (1.15, -0.5), (0.95, 0.25), (-0.7, 0.35)], hull
    )
    pen.line([(1.12, -0.5), (1.12, -0.2)], (200, 200, 205), 0.07)
    seat = _near(rng, 0.98, 0.03, 0.7, 0.6)
    pen.rectangle(-0.1, -0.1, 0.3, 0.1, seat)
    pen.rectangle(-0.68, -0.55, -0.5, 0.1, (235, 235, 235))
    pen.ellipse(-0.59, -0.65, 0.1, 0.11, (190, 140, 110))
    pen.line([(-0.5, -0.45), (-0.2, 0.5)], (120, 85, 50), 0.05)


@_object
def flagpole(pen: Pen, rng: np.random.Generator) -> None:
    tone = int(rng.uniform(120, 230))
    pole = (tone, tone, min(255, tone + 8))
    pen.rectangle(-0.07, -1.3, 0.07, 1.3, pole)
    pen.rectangle(0.02, -1.3, 0.07, 1.3, shade(pole, 0.6))
    pen.ellipse(0.0, -1.38, 0.15, 0.15, _near(rng, 0.13, 0.02, 0.8, 0.85))
    pen.rectangle(-0.22, 1.2, 0.22, 1.36, shade(pole, 0.7))


@_object
def koala(pen: Pen, rng: np.random.Generator) -> None:
    tone = rng.uniform(0.45, 0.65)
    fur = hsv(0.6, rng.uniform(0.03, 0.12), tone)
    pen.ellipse(0.0, 0.7, 0.55, 0.5, shade(fur, 0.9))
    for x in (-0.55, 0.55):
        pen.ellipse(x, -0.4, 0.32, 0.32, fur)
        pen.ellipse(x, -0.38, 0.18, 0.18, shade(fur, 1.35))
    pen.ellipse(0.0, 0.0, 0.55, 0.48, fur)
    pen.ellipse(0.0, 0.1, 0.13, 0.24, (28, 26, 28))
    for x in (-0.26, 0.26):
        pen.ellipse(x, -0.08, 0.07, 0.07, (20, 18, 18))


@_object
def sulphur_butterfly(pen: Pen, rng: np.random.Generator) -> None:
    wing = _near(rng, 0.155, 0.012, 0.6, 0.93)
    spread = rng.uniform(0.6, 1.0)
    for side in (-1, 1):
        pen.ellipse(side * 0.5 * spread, -0.3, 0.48 * spread, 0.5, wing, turn=side * 0.5)
        pen.ellipse(side * 0.4 * spread, 0.4, 0.36 * spread, 0.36, shade(wing, 0.9))
        pen.ellipse(side * 0.6 * spread, -0.35, 0.09, 0.09, (70, 50, 30))
        pen.line([(0, -0.5), (side * 0.25, -0.95)], (40, 35, 30), 0.05)
    pen.ellipse(0.0, 0.0, 0.09, 0.55, (50, 42, 35))


@_object
def ladybug(pen: Pen, rng: np.random.Generator) -> None:
    shell = _near(rng, 0.0, 0.02, 0.88, 0.8)
    for y in (-0.35, 0.05, 0.45):
        pen.line([(-0.85, y + 0.1), (0.85, y + 0.1)], (25, 22, 22), 0.07)
    pen.ellipse(0.0, -0.6, 0.36, 0.3, (22, 20, 20))
    pen.ellipse(0.0, 0.1, 0.68, 0.72, shell)
    pen.line([(0, -0.6), (0, 0.8)], (22, 20, 20), 0.08)
    for x, y in ((-0.32, -0.2), (0.32, -0.2), (-0.36, 0.35), (0.36, 0.35)):
        pen.ellipse(x, y, 0.15, 0.15, (22, 20, 20))


@_object
def ashcan(pen: Pen, rng: np.random.Generator) -> None:
    can = _near(rng, rng.choice([0.33, 0.58]), 0.03, 0.35, 0.45)
    pen.polygon([(-0.6, -0.5), (0.6, -0.5), (0.48, 0.9), (-0.48, 0.9)], can)
    for x in (-0.3, 0.0, 0.3):
        pen.line([(x, -0.5), (x * 0.85, 0.88)], shade(can, 0.7), 0.06)
    pen.ellipse(0.0, -0.52, 0.7, 0.18, shade(can, 1.3))
    pen.rectangle(-0.14, -0.82, 0.14, -0.62, shade(can, 0.6))


@_object
def grey_whale(pen: Pen, rng: np.random.Generator) -> None:
    skin = hsv(0.6, rng.uniform(0.1, 0.25), rng.uniform(0.25, 0.42))
    pen.ellipse(-0.1, 0.15, 0.85, 0.4, skin)
    pen.polygon([(0.6, 0.15), (1.0, -0.45), (1.25, -0.5), (0.95, 0.25)], skin)
    pen.polygon([(1.0, -0.4), (0.75, -0.6), (1.15, -0.62)], shade(skin, 0.8))
    pen.ellipse(-0.2, 0.38, 0.55, 0.13, shade(skin, 1.6))
    pen.ellipse(-0.68, 0.1, 0.06, 0.06, (12, 12, 14))


@_object
def drake(pen: Pen, rng: np.random.Generator) -> None:
    body = _near(rng, 0.08, 0.02, 0.25, 0.68)
    pen.ellipse(-0.15, 0.25, 0.75, 0.36, body)
    pen.ellipse(-0.2, 0.2, 0.45, 0.2, shade(body, 0.7), turn=0.15)
    pen.ellipse(0.48, 0.05, 0.2, 0.24, (120, 70, 45))
    pen.ellipse(0.55, -0.3, 0.26, 0.24, _near(rng, 0.38, 0.02, 0.85, 0.4))
    pen.polygon([(0.76, -0.36), (1.1, -0.24), (0.76, -0.18)], (230, 180, 40))
    pen.ellipse(0.6, -0.36, 0.05, 0.05, (10, 10, 10))


@_object
def obelisk(pen: Pen, rng: np.random.Generator) -> None:
    stone = hsv(0.1, rng.uniform(0.05, 0.2), rng.uniform(0.65, 0.85))
    pen.polygon([(-0.26, 1.0), (-0.17, -1.0), (0.0, -1.3), (0.17, -1.0), (0.26, 1.0)], stone)
    pen.polygon([(0.0, -1.3), (0.17, -1.0), (0.26, 1.0), (0.05, 1.0)], shade(stone, 0.75))
    pen.rectangle(-0.45, 0.95, 0.45, 1.15, shade(stone, 0.85))
    for i in range(4):
        y = -0.6 + 0.4 * i
        pen.line([(-0.2 - 0.02 * i, y), (0.2, y)], shade(stone, 0.88), math.hypot(0.03, 0.02))
