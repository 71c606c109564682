"""What a result records of a run: the model, the environment, a probe of the network."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict
from importlib.metadata import version

import numpy as np

from spurbench import plugins
from spurbench.files import sha256_json
from spurbench.results import ModelRecord

from .forward import Member, forward
from .placement import Placement

PROBE_PICTURES = 1
PROBE_OUTPUTS = 8


def model_record(member: Member) -> ModelRecord:
    """The model as it is run: what it is, how it is shown pictures, what its outputs mean."""
    classifier = member.classifier
    space = classifier.label_space
    pictures, validation = (t.as_data() for t in member.transforms())
    normalisation = getattr(classifier, "normalisation", None)
    return ModelRecord(
        spec=classifier.spec,
        label_space=space.name,
        outputs=len(space.names),
        labels_sha256=sha256_json([space.names, space.labels, space.kinds]),
        framing=member.framing.name,
        transform=pictures,
        val_transform=None if validation == pictures else validation,
        normalisation=asdict(normalisation) if normalisation else None,
        **asdict(classifier.facts),
    )


def environment(placement: Placement, spec: str) -> dict[str, str]:
    """Versions, those of the loader's own packages among them, and the arithmetic: what can move a
    score."""
    packages = ("spurbench", "torch", "timm", "pillow", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        **{p: version(p) for p in packages},
        **plugins.packages(spec),
        "device": placement.described(),
        "dtype": placement.dtype,
    }


def probe(member: Member) -> list[float | None]:
    """A network's first outputs for a fixed picture of noise: they tell it from another network
    whose records are the same, such as edited code."""
    size = member.framing.pictures.size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (PROBE_PICTURES, size, size, 3), dtype=np.uint8)
    logits = forward(member, pixels, check=False)  # (PROBE_PICTURES, K)
    values = logits[:, :PROBE_OUTPUTS].flatten().tolist()
    # Six digits: threads and batches move the last of float32's seven.
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in values]
