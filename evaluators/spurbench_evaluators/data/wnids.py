"""ImageNet's synset ids, which name the folders and classes of its pictures."""

from __future__ import annotations

import re

WNID = re.compile(r"n\d{8}")


def wnids() -> list[str]:
    """The wnids of ImageNet-1k in the order of its labels."""
    from timm.data import ImageNetInfo

    return [str(name) for name in ImageNetInfo("imagenet-1k").label_names()]
