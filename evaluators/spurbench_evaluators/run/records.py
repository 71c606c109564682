"""What a result records of a run: the model, the environment, a probe of the network."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict
from importlib.metadata import version

import numpy as np

from spurbench import plugins
from spurbench.files import packages_sha256, sha256_json
from spurbench.results import ModelRecord

from .forward import Member, forward
from .local_code import local_code_sha256
from .placement import Placement

PROBES = 8
CODE = ("spurbench", "spurbench_evaluators")
"""The packages whose own code decides a score."""


def model_record(member: Member) -> ModelRecord:
    """The model as it is run: what it is, how it is shown pictures, what its outputs mean."""
    classifier = member.classifier
    space = classifier.label_space
    pictures, validation = (t.as_data() for t in member.transforms())
    normalisation = getattr(classifier, "normalisation", None)
    facts = asdict(classifier.facts)
    code = local_code_sha256(classifier)
    if code:
        facts["options"] = {**facts["options"], "code_sha256": code}
    return ModelRecord(
        spec=classifier.spec,
        label_space=space.name,
        outputs=len(space.names),
        labels_sha256=sha256_json([space.names, space.labels, space.kinds]),
        framing=member.framing.name,
        transform=pictures,
        val_transform=None if validation == pictures else validation,
        normalisation=asdict(normalisation) if normalisation else None,
        **facts,
    )


def environment(placement: Placement, spec: str) -> dict[str, str]:
    """Versions, those of the loader's own packages among them, and the arithmetic: what can move a
    score."""
    packages = ("spurbench", "torch", "timm", "pillow", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        **{p: version(p) for p in packages},
        **plugins.packages(spec),
        "code": packages_sha256(CODE),
        "device": placement.described(),
        "dtype": placement.dtype,
    }


def probe(member: Member) -> list[float | None]:
    """What a network says to pictures that are always the same: noise, a ramp, a chequered one.

    They tell it from another network whose records are the same. For each picture, PROBES sums of all
    outputs with random signs, so that no output can change unseen, over the root of their number.
    """
    size = member.framing.pictures.size
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    ramp = np.broadcast_to(np.linspace(0, 255, size)[:, None], (size, size, 3)).astype(np.uint8)
    fields = np.indices((size, size)).sum(axis=0) // max(1, size // 8) % 2  # (size, size)
    squares = np.where(fields[..., None], (220, 60, 30), (20, 90, 200)).astype(np.uint8)
    # One by one: a batch of them may be more than the memory takes, which is the run's to find out.
    pictures = [picture[None] for picture in (noise, ramp, squares)]
    said = [forward(member, picture, check=False).double().numpy() for picture in pictures]
    values = np.concatenate(said)  # (3, K)
    signs = rng.choice((-1.0, 1.0), size=(values.shape[1], PROBES))
    sums = values @ signs / math.sqrt(values.shape[1])  # (3, PROBES)
    # Six digits: threads and batches move the last of float32's seven.
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in sums.ravel().tolist()]
