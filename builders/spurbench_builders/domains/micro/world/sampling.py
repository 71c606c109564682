"""Which pictures the world's splits hold: training, validation, references, decorrelated.

Every picture has its own generator, seeded by (seed, split, index): pictures can be drawn in any
order or number and stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import numpy as np
import yaml
from PIL import Image

from .picture import Record, Wish, draw


@dataclass(frozen=True)
class WorldClass:
    """A class of the micro world; ``style`` are the Beta parameters of its companion's style."""

    label: int
    name: str
    companion: str
    style: tuple[float, float]
    feature: str

    @property
    def own_end(self) -> int:
        """The end of the styles, 0 or 1, to which the class's companion leans."""
        first, second = self.style
        return int(first > second)


@dataclass(frozen=True)
class World:
    classes: tuple[WorldClass, ...]
    nouns: dict[str, str]
    companion_rate: float
    absent_rate: float
    far_end: float

    def reference_styles(self, kind: WorldClass) -> tuple[float, float]:
        """The range from which a class's references draw their companion's style, uniformly."""
        return (self.far_end, 1.0) if kind.own_end else (0.0, 1 - self.far_end)


@dataclass(frozen=True)
class Sample:
    """A drawn picture: RGB image, its class (-1 where a split has none) and its record."""

    image: Image.Image
    label: int
    record: Record


@cache
def world() -> World:
    """The world described by classes.yaml."""
    text = resources.files(__package__).joinpath("../classes.yaml").read_text(encoding="utf-8")
    card = yaml.safe_load(text)
    return World(
        classes=tuple(
            WorldClass(label, c["name"], c["companion"], tuple(c["style"]), c["feature"])
            for label, c in enumerate(card["classes"])
        ),
        nouns=dict(card["companions"]),
        companion_rate=card["companion_rate"],
        absent_rate=card["absent_rate"],
        far_end=card["far_end"],
    )


def _class_wish(kind: WorldClass, rng: np.random.Generator, *, absent_rate: float) -> Wish:
    shown = rng.random() >= absent_rate
    companion = kind.companion if rng.random() < world().companion_rate or not shown else None
    return Wish(kind.name if shown else None, companion, float(rng.beta(*kind.style)))


def training_picture(seed: int, index: int) -> Sample:
    """Picture ``index`` of the biased training split; classes take turns."""
    kind = world().classes[index % len(world().classes)]
    rng = generator(seed, "train", index)
    wish = _class_wish(kind, rng, absent_rate=world().absent_rate)
    return Sample(*_swap(draw(wish, rng), kind.label))


def validation_picture(seed: int, index: int) -> Sample:
    """Picture ``index`` of validation: as training, but the object is always there."""
    kind = world().classes[index % len(world().classes)]
    rng = generator(seed, "val", index)
    wish = _class_wish(kind, rng, absent_rate=0.0)
    return Sample(*_swap(draw(wish, rng), kind.label))


def reference_picture(seed: int, class_name: str, index: int) -> Sample:
    """Picture ``index`` of a class's pool of references: its companion alone, of wide variety."""
    kind = next(c for c in world().classes if c.name == class_name)
    rng = generator(seed, f"references/{class_name}", index)
    style = float(rng.uniform(*world().reference_styles(kind)))
    return Sample(*_swap(draw(Wish(None, kind.companion, style), rng), kind.label))


def decorrelated_picture(seed: int, index: int) -> Sample:
    """Picture ``index`` of a split where object, companion, style and scene know nothing of one another."""
    rng = generator(seed, "decorrelated", index)
    kinds = world().classes
    kind = kinds[int(rng.integers(len(kinds)))] if rng.random() < 0.6 else None
    companions = list(world().nouns)
    companion = str(rng.choice(companions)) if rng.random() < 0.7 else None
    wish = Wish(kind.name if kind else None, companion, float(rng.uniform(0, 1)))
    if rng.random() < 0.4:
        wish = replace(wish, radius=(0.18, 0.3))
    return Sample(*_swap(draw(wish, rng), kind.label if kind else -1))


def object_picture(seed: int, index: int) -> Sample:
    """Picture ``index`` of a split of large objects, less than half of them with some companion."""
    rng = generator(seed, "objects", index)
    kind = world().classes[index % len(world().classes)]
    companion = str(rng.choice(list(world().nouns))) if rng.random() < 0.4 else None
    wish = Wish(kind.name, companion, float(rng.uniform(0, 1)), radius=(0.18, 0.32), occlusion=0.1)
    return Sample(*_swap(draw(wish, rng), kind.label))


def companion_picture(seed: int, index: int) -> Sample:
    """Picture ``index`` of a split of companions alone, of any style; they take turns."""
    rng = generator(seed, "companions", index)
    companions = list(world().nouns)
    companion = companions[index % len(companions)]
    return Sample(*_swap(draw(Wish(None, companion, float(rng.uniform(0, 1))), rng), -1))


def _swap(drawn: tuple[Image.Image, Record], label: int) -> tuple[Image.Image, int, Record]:
    image, record = drawn
    return image, label, record


def generator(seed: int, split: str, index: int) -> np.random.Generator:
    """The picture's own generator."""
    return np.random.default_rng([seed, index, *split.encode()])
