"""The base model's safety checker, where it has one: its verdict is recorded, nothing is blanked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image


def safety_verdicts(
    folder: Path, images: Sequence[Image.Image], device: torch.device, batch: int = 16
) -> list[bool] | None:
    """Whether the pipeline's checker flags each picture; None where the folder has no checker.

    Its false positives are common, so a verdict is a column for the user to filter by.
    """
    if not (folder / "safety_checker" / "config.json").is_file():
        return None
    checker, extractor = _load(folder)
    checker.to(device)
    flags: list[bool] = []
    for start in range(0, len(images), batch):
        part = list(images[start : start + batch])
        seen = extractor(part, return_tensors="pt").pixel_values.to(device)
        # The checker blackens what it flags in the array it is given: give it one to waste.
        wasted = [np.zeros((1, 1, 3), dtype=np.float32) for _ in part]
        with torch.inference_mode():
            _, verdicts = checker(images=wasted, clip_input=seen)
        flags += [bool(f) for f in verdicts]
    return flags


def _load(folder: Path) -> tuple[Any, Any]:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPImageProcessor

    # It says that it will blank a picture; here nothing is.
    logging.getLogger(StableDiffusionSafetyChecker.__module__).setLevel(logging.ERROR)
    checker = StableDiffusionSafetyChecker.from_pretrained(
        folder / "safety_checker", local_files_only=True, use_safetensors=True
    )
    extractor = CLIPImageProcessor.from_pretrained(
        folder / "feature_extractor", local_files_only=True
    )
    return checker.eval(), extractor
