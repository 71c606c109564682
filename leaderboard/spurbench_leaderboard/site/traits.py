"""What a leaderboard groups models by: their family, and the pictures that they first saw."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spurbench.results import ModelRecord

UNSAID = "not said"
FAMILY = re.compile("[a-z]+")
SEEN: Sequence[tuple[str, str]] = (
    ("in22k", "ImageNet-22k"),
    ("in21k", "ImageNet-21k"),
    ("in12k", "ImageNet-12k"),
    ("laion2b", "LAION-2B"),
    ("laion400m", "LAION-400M"),
    ("datacompxl", "DataComp"),
    ("openai", "OpenAI's CLIP pictures"),
    ("jft", "JFT"),
    ("lvd142m", "LVD-142M"),
    ("lvd1689m", "LVD-1689M"),
    ("webli", "WebLI"),
    ("dfn", "DFN"),
    ("merged2b", "Merged-2B"),
    ("metaclip", "MetaCLIP's pictures"),
    ("ig1b", "Instagram"),
    ("swag", "Instagram"),
    ("yfcc100m", "YFCC-100M"),
    ("in1k", "ImageNet-1k"),
)
"""Parts of the names of weights, as timm and torchvision give them, and what they say; the larger set first,
since weights that saw two name both."""


def family(model: ModelRecord) -> str:
    """The family of an architecture: the first letters of its name (resnet50 -> resnet), after a word for
    the library that it is of (timm resnet -> resnet)."""
    name = model.architecture.lower().split()
    found = FAMILY.match(name[-1]) if name else None
    return found.group() if found else UNSAID


def pretraining(model: ModelRecord) -> str:
    """The largest set of pictures that the name of the weights tells of."""
    words = re.split("[^a-z0-9]+", model.spec.lower())
    for part, said in SEEN:
        if any(word.startswith(part) for word in words):
            return said
    return UNSAID
