"""transformers' image processors as data: the transform and the normalisation of a configuration.

Which processor resizes by which rule is data in cards/hf_processors.json.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any

from PIL import Image

from spurbench.contracts import INTERPOLATIONS, Normalisation, Transform
from spurbench.errors import UserError
from spurbench_evaluators.network.classifier import RAW

from .cards import read_card
from .timm import transform_of

Config = dict[str, Any]
WARPED_FROM = 384  # ConvNext's processor crops below this size and squashes from it on


def processor_transform(spec: str, kind: str, config: Config) -> tuple[Transform, Normalisation]:
    """Transform and normalisation of an image processor of class ``kind`` with that configuration.

    UserError for a processor that is not known, or that does what a Transform cannot say.
    """
    if "data_config" in config:  # timm models wrapped by transformers
        timm_config = config["data_config"]
        fed = Normalisation(tuple(timm_config["mean"]), tuple(timm_config["std"]))
        return transform_of(spec, timm_config), fed
    rule = read_card("hf_processors").get(kind.removesuffix("Pil").removesuffix("Fast"))
    if rule is None:
        raise _beyond(spec, f"{kind} is not among {', '.join(read_card('hf_processors'))}")
    if not config.get("do_resize") or not config.get("do_rescale"):
        raise _beyond(spec, "it does not resize, or does not scale pixels to [0, 1]")
    if not isclose(config["rescale_factor"], 1 / 255):
        raise _beyond(spec, f"it scales pixels by {config['rescale_factor']}")
    interpolation = Image.Resampling(config["resample"]).name.lower()
    if interpolation not in INTERPOLATIONS:
        raise _beyond(spec, f"it resizes by {interpolation}")
    framing, size, resize = RULES[rule](spec, config)
    return Transform(framing, size, resize, interpolation), _normalisation(config)


def _normalisation(config: Config) -> Normalisation:
    if not config.get("do_normalize"):
        return RAW
    return Normalisation(tuple(config["image_mean"]), tuple(config["image_std"]))


def _plain(spec: str, config: Config) -> tuple[str, int, int]:
    size = _given(config["size"])
    crop = _square(spec, _given(config["crop_size"])) if config.get("do_center_crop") else None
    if "shortest_edge" in size:
        edge = size["shortest_edge"]
        return ("shortest", edge, edge) if crop is None else ("crop", crop, edge)
    edge = _square(spec, size)
    return "squash", crop or edge, edge


def _crop_pct(spec: str, config: Config) -> tuple[str, int, int]:
    """The shorter edge to the size over crop_pct, whichever way the size is given."""
    if not config.get("crop_pct"):
        return _plain(spec, config)
    size = _given(config["size"])
    edge = size.get("shortest_edge") or _square(spec, size)
    return _plain(spec, config | {"size": {"shortest_edge": int(edge / config["crop_pct"])}})


def _crop_pct_below_384(spec: str, config: Config) -> tuple[str, int, int]:
    size = _given(config["size"])
    if "shortest_edge" not in size or config.get("do_center_crop"):
        raise _beyond(spec, f"its size is {size}")
    edge = size["shortest_edge"]
    if edge >= WARPED_FROM:
        return "squash", edge, edge
    return "crop", edge, int(edge / config["crop_pct"])


def _wider_by_256_224(spec: str, config: Config) -> tuple[str, int, int]:
    size = _given(config["size"])
    if "shortest_edge" not in size:
        return _plain(spec, config)
    return _plain(
        spec, config | {"size": {"shortest_edge": int(256 / 224 * size["shortest_edge"])}}
    )


RULES: dict[str, Callable[[str, Config], tuple[str, int, int]]] = {
    "plain": _plain,
    "crop_pct": _crop_pct,
    "crop_pct_below_384": _crop_pct_below_384,
    "wider_by_256_224": _wider_by_256_224,
}


def _given(size: dict[str, int | None]) -> dict[str, int]:
    return {key: value for key, value in size.items() if value is not None}


def _square(spec: str, size: dict[str, int]) -> int:
    if set(size) != {"height", "width"} or size["height"] != size["width"]:
        raise _beyond(spec, f"its size is {size}")
    return size["height"]


def _beyond(spec: str, why: str) -> UserError:
    return UserError(
        f"{spec}: its image processor is none that spurbench can follow ({why}); "
        "wrap the model as python/MODULE:CALLABLE"
    )
