"""A leaderboard of made models on a made data set: two classes, four pictures a split, twelve outputs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from spurbench.contracts import LabelSpace
from spurbench.dataset.read import DataSet, StoredPicture, open_data_set
from spurbench.files import sha256_bytes
from spurbench.results import DataRecord, ModelRecord, Unreadable
from spurbench.scores.answers import Seen, answers
from spurbench.scores.predictions import Predictions, Provenance, decode, encode, rows_table
from spurbench.scores.stored import install, predictions_path, read_stored
from spurbench_leaderboard.gate.check import check
from spurbench_leaderboard.gate.findings import Report
from spurbench_leaderboard.gate.reader import Reader
from spurbench_leaderboard.known import KnownDataSet, write_known
from tests.conftest import make_class

NOBODY = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
}  # fmt: skip
SPACE = LabelSpace("micro", "micro", tuple(f"label {i}" for i in range(12)))
CLASSES = {"koala": 5, "gondola": 3}
LEAN = {"generated": 1.0, "si": 0.5, "val": 4.0}
"""How much the class's logit is ahead: most validation pictures are hit."""


@dataclass(frozen=True)
class Board:
    """A checkout with results, known data sets, and the data set that results are of."""

    root: Path
    data: DataSet

    @property
    def results(self) -> Path:
        return self.root / "leaderboard" / "results"

    @property
    def known(self) -> Path:
        return self.root / "leaderboard" / "data"

    def check(self, reader: Reader, *files: Path, base: str | None = None) -> Report:
        return check(files, self.results, self.known, base, reader)

    def found(self, reader: Reader, *files: Path, base: str | None = None) -> list[tuple[str, ...]]:
        """Level, rule and message of every finding."""
        report = self.check(reader, *files, base=base)
        return [(f.level, f.rule, f.message) for f in report.findings]


def board(root: Path) -> Board:
    """A board without results."""
    folder = root / "ds"
    for slug, label in CLASSES.items():
        make_class(folder, root / "aside", slug, label, count=4, seed=1000 * label)
    data = open_data_set(folder)
    made = Board(root, data)
    known = KnownDataSet.of(data)
    write_known(known, known.path_under(made.known))
    made.results.mkdir(parents=True)
    return made


def record(data: DataSet, spec: str, weights: str, **changes: Any) -> Provenance:
    """A provenance; ``changes`` are of the model's record, or ``data_...`` of the data's."""
    manifest = data.manifest
    own = {k: v for k, v in changes.items() if not k.startswith(("data_", "environment"))}
    of_data = {k.removeprefix("data_"): v for k, v in changes.items() if k.startswith("data_")}
    transform = {"framing": "crop", "size": 8, "resize": 8, "interpolation": "bicubic"}
    model: dict[str, Any] = {
        "spec": spec, "architecture": "made", "parameters": 12, "weights_sha256": weights,
        "weights_source": "made", "options": {}, "label_space": "micro", "outputs": 12,
        "labels_sha256": "2" * 64, "framing": "model", "transform": transform,
    }  # fmt: skip
    found: dict[str, Any] = {
        "name": manifest.name, "domain": manifest.domain, "version": manifest.version,
        "fingerprint": manifest.fingerprint(),
    }  # fmt: skip
    return Provenance(
        model=ModelRecord(**model | own),
        data=DataRecord(**found | of_data),
        environment=changes.get("environment", {"dtype": "float32", "torch": "2.0"}),
        keep_logits=False,
        skip_unreadable=False,
        probe=[0.5],
    )


def rows(pictures: Sequence[StoredPicture], seed: int, lean: float | None = None) -> list[Seen]:
    """What a made model says of pictures."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(pictures), 12))
    labels = [picture.label for picture in pictures]
    ahead = [LEAN[p.kind] if lean is None else lean for p in pictures]
    logits[np.arange(len(pictures)), labels] += ahead
    said = answers(torch.from_numpy(logits), labels, SPACE)
    return [
        Seen(p.sha256, p.slug, p.class_name, p.label, p.split, p.index, p.origin, answer)
        for p, answer in zip(pictures, said, strict=True)
    ]


def submitted(
    made: Board,
    spec: str = "made/one",
    seed: int = 1,
    *,
    weights: str | None = None,
    lean: float | None = None,
    pictures: Callable[[list[StoredPicture]], list[StoredPicture]] = lambda some: some,
    unreadable: int = 0,
    **changes: Any,
) -> Path:
    """Submit the result of a made model; ``pictures`` changes which it says it scored."""
    found = pictures(list(made.data.pictures()))
    gone, found = found[:unreadable], found[unreadable:]
    if gone:
        changes["data_unreadable"] = [
            Unreadable(slug=p.slug, split=p.split, index=p.index, origin="", sha256=p.sha256, reason="x")
            for p in gone
        ]  # fmt: skip
    own = record(made.data, spec, weights or sha256_bytes(spec.encode()), **changes)
    table = rows_table(rows(found, seed, lean))
    outcome = install(encode(table, own), made.results)
    assert outcome.path
    return outcome.path


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def predictions_of(path: Path) -> tuple[Path, Predictions]:
    """The predictions file of an honest result, and what it holds."""
    outcome = read_stored(path)
    assert outcome.predictions_path
    return outcome.predictions_path, outcome.predictions


def altered(
    made: Board, path: Path, change: Callable[[list[dict[str, Any]]], object], **records: Any
) -> Path:
    """Change the rows of an honest result's predictions, and submit what they then give: a forgery that
    is right in all its numbers. ``records`` replaces parts of what they come from."""
    _, predictions = predictions_of(path)
    table = predictions.table.to_pylist()
    change(table)
    provenance = predictions.provenance.model_copy(update=records)
    data = encode(pa.Table.from_pylist(table, schema=predictions.table.schema), provenance)
    assert decode(data, "altered")
    for old in (path, predictions_path(path, read_stored(path).result)):
        old.unlink()
    outcome = install(data, made.results)
    assert outcome.path
    return outcome.path


def git(root: Path, *words: str) -> str:
    """What git prints in a repository, whatever is configured here."""
    done = subprocess.run(
        ["git", "-C", root, *words], capture_output=True, text=True, env=os.environ | NOBODY
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
