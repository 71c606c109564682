"""What loaders know of models as data: JSON files in this folder."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def read_card(name: str) -> dict[str, Any]:
    """The card file of that name, such as ``torchvision``."""
    text = (resources.files(__package__) / f"{name}.json").read_text(encoding="utf-8")
    card: dict[str, Any] = json.loads(text)
    return card
