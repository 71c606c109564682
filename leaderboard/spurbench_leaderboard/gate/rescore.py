"""The model asked again: a few pictures drawn at random, against what its predictions say of them.

Models are loaded through the plug-ins, and only those that a loader knows by name: a spec that names a
module, a file or a repository of the submitter's would be the submitter's code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any

from spurbench import plugins
from spurbench.contracts import Classifier, Transform
from spurbench.dataset.read import DataSet, StoredPicture
from spurbench.errors import UserError
from spurbench.pictures import read_rgb
from spurbench.prediction import framed, to_tensor
from spurbench.results import ModelRecord, Result
from spurbench.scores.answers import Answer, answers
from spurbench.scores.predictions import Predictions

from .findings import Level

LARGEST = 2048
"""Pixels a side that a picture is resized to."""
APART = 0.1
"""Log odds that differ by more than this share (or by as much, below 1) are another answer: versions and
devices move the fourth digit."""
Said = tuple[Level, str]


@dataclass(frozen=True)
class Again:
    """How results are scored again: the data set with its pictures, how many of them, drawn how."""

    data: DataSet
    count: int
    draw: Random | SystemRandom

    def said(self, result: Result, predictions: Predictions) -> Iterator[Said]:
        """What comes of scoring pictures of a result again: an error where the model says something
        else, a note where it cannot be asked."""
        try:
            yield from self._said(result, predictions)
        except UserError as error:
            yield "note", f"not scored again: {error}"

    def _said(self, result: Result, predictions: Predictions) -> Iterator[Said]:
        if self.data.manifest.fingerprint() != result.data.fingerprint:
            raise UserError(f"{self.data.folder} is another data set")
        classifier = _loaded(result.model)
        transforms = _transforms(result.model, classifier)
        rows = _rows(predictions)
        drawn = set(self.draw.sample(sorted(rows), min(self.count, len(rows))))
        apart, asked = [], 0
        for picture in self.data.pictures():
            key = picture.slug, picture.split, picture.index
            if key in drawn and rows[key]["sha256"] == picture.sha256:
                asked += 1
                answer = _answer(classifier, picture, transforms[picture.kind == "val"])
                if not alike(rows[key], answer):
                    odds = answer.restricted.class_log_odds
                    told = rows[key]["restricted_class_log_odds"]
                    place = "/".join(map(str, key))
                    apart.append(f"{place}: log odds {told:.4g}, the model says {odds:.4g}")
        if apart:
            yield "error", f"{len(apart)} of {asked} pictures are answered otherwise; {apart[0]}"
        else:
            yield "note", f"{asked} pictures were scored again, with the same answers"


def _loaded(model: ModelRecord) -> Classifier:
    """The model that a result is of; UserError where it cannot be loaded, or is not known by name."""
    loader, _ = plugins.split_spec(model.spec)
    if model.spec not in plugins.model_names(loader):
        raise UserError(f"{model.spec} is not a model that the loader {loader!r} knows by name")
    classifier = plugins.classifier(model.spec)
    if classifier.facts.weights_sha256 != model.weights_sha256:
        raise UserError(f"the weights of {model.spec} that are loaded here are others")
    return classifier


def _transforms(model: ModelRecord, classifier: Classifier) -> tuple[Transform, Transform]:
    """What pictures go through, and what validation pictures do; UserError where it cannot be done, or
    is not the model's own though it says so."""
    own = classifier.transform.as_data()
    recorded = model.transform, model.val_transform or model.transform
    if model.framing == "model" and any(each != own for each in recorded):
        raise UserError(f"the transform is not that of {model.spec} here")
    try:
        first, second = (Transform(**each) for each in recorded)
    except (TypeError, ValueError) as error:
        raise UserError("the transform is none that is known") from error
    for each in (first, second):
        for pixels in (each.size, each.resize):
            if type(pixels) is not int or not 0 < pixels <= LARGEST:
                raise UserError(f"the transform makes pictures of {pixels} pixels")
    return first, second


def _rows(predictions: Predictions) -> dict[tuple[str, str, int], dict[str, Any]]:
    names = ("slug", "split", "index", "sha256", "predicted", "class_log_odds")
    more = ("restricted_predicted", "restricted_class_log_odds")
    rows = predictions.table.select([*names, *more]).to_pylist()
    return {(row["slug"], row["split"], row["index"]): row for row in rows}


def _answer(classifier: Classifier, picture: StoredPicture, transform: Transform) -> Answer:
    import torch

    image = framed(read_rgb(picture.data, f"{picture.slug}/{picture.split}"), transform)
    with torch.inference_mode():
        logits = classifier.logits(to_tensor(image)[None])
    return answers(logits, [picture.label], classifier.label_space)[0]


def alike(row: dict[str, Any], answer: Answer) -> bool:
    """Whether a row says what an answer does; which label is first may change where two are level."""
    for prefix, head in (("", answer.full), ("restricted_", answer.restricted)):
        told = row[f"{prefix}class_log_odds"]
        if not math.isclose(told, head.class_log_odds, rel_tol=APART, abs_tol=APART):
            return False
        top = head.top_probabilities
        level = len(top) > 1 and top[0] - top[1] < APART
        if row[f"{prefix}predicted"] != head.predicted and not level:
            return False
    return True
