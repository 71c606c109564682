"""Predictions of a made model: three classes with different counts, a head that permutes labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spurbench.contracts import LabelSpace
from spurbench.results import DataRecord, ModelRecord
from spurbench.scores.answers import Seen, answers
from spurbench.scores.predictions import Predictions, Provenance, decode, encode, rows_table

# Nine outputs; the domain's labels 0..4 lie at outputs 7, 2, 8, 0, 4.
SPACE = LabelSpace("made", "micro", tuple("abcdefghi"), (3, -1, 1, -1, 4, -1, -1, 0, 2))
OUTPUT_OF = {0: 7, 1: 2, 2: 8, 3: 0, 4: 4}
CLASSES = {"ant": 2, "bee": 0, "cow": 4}
COUNTS = {
    ("ant", "generated"): 7,
    ("ant", "si"): 4,
    ("ant", "val"): 5,
    ("bee", "generated"): 3,
    ("bee", "si"): 9,
    ("bee", "val"): 6,
    ("cow", "generated"): 5,
    ("cow", "si"): 2,
    ("cow", "val"): 8,
}
"""Leaning toward the class, so that shares are neither 0 nor 1."""
LEAN = {"generated": 2.2, "si": 1.1, "val": 3.0}


@dataclass(frozen=True)
class Made:
    """The outputs by class and split, (n, 9), and the predictions file that holds them."""

    outputs: dict[tuple[str, str], np.ndarray]
    predictions: Predictions


def record(**changes: Any) -> Provenance:
    """A provenance; ``changes`` are of the model's record, or ``data_...`` of the data's."""
    data = {k.removeprefix("data_"): v for k, v in changes.items() if k.startswith("data_")}
    model = {k: v for k, v in changes.items() if not k.startswith("data_")}
    return Provenance(
        model=ModelRecord(
            **{
                "spec": "made/x",
                "architecture": "made",
                "parameters": 12,
                "weights_sha256": "0" * 64,
                "weights_source": "nowhere",
                "options": {},
                "label_space": "made",
                "outputs": 9,
                "labels_sha256": "2" * 64,
                "transform": {"framing": "crop", "size": 8},
                "val_transform": {"framing": "crop", "size": 8},
                **model,
            }
        ),
        data=DataRecord(
            **{
                "name": "made",
                "domain": "micro",
                "version": "c1",
                "fingerprint": "1" * 64,
                **data,
            }
        ),
        environment={"dtype": "float32", "torch": "2.0"},
        keep_logits=False,
        skip_unreadable=False,
        probe=[0.5, None],
    )


def made(seed: int, skip: tuple[tuple[str, str], ...] = (), **changes: Any) -> Made:
    """A model's predictions; ``skip`` leaves classes and splits out."""
    rng = np.random.default_rng(seed)
    outputs: dict[tuple[str, str], np.ndarray] = {}
    seen: list[Seen] = []
    for (slug, split), count in COUNTS.items():
        values = np.round(rng.normal(0, 1.5, (count, 9)), 2)
        values[:, OUTPUT_OF[CLASSES[slug]]] += LEAN[split]
        if (slug, split) in skip:
            continue
        outputs[slug, split] = values
        said = answers(torch.from_numpy(values), [CLASSES[slug]] * count, SPACE)
        seen += [
            Seen(f"{len(seen) + i:064x}", slug, f"the {slug}", CLASSES[slug], split, i, f"o{i}", a)
            for i, a in enumerate(said)
        ]
    seen = [seen[i] for i in rng.permutation(len(seen))]  # a file's rows have an order of its own
    data = encode(rows_table(seen), record(**changes))
    return Made(outputs, decode(data, "made"))
