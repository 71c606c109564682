"""From a classifier and a data set to a result and its per-picture predictions."""

from __future__ import annotations

import io
import platform
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version

import numpy as np
from PIL import Image

from spurbench.contracts import Classifier
from spurbench.dataset.read import DataSet, StoredPicture
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.pictures import read_rgb
from spurbench.prediction import predict
from spurbench.results import DataRecord, Interval, ModelRecord, Result, SplitScore
from spurbench.statistics import clustered_difference, clustered_mean, wilson


@dataclass(frozen=True)
class Scored:
    """What a classifier said of one stored picture; ``class_probability`` is p(split's class)."""

    sha256: str
    slug: str
    class_name: str
    label: int
    split: str
    index: int
    predicted: int
    predicted_name: str
    probability: float
    class_probability: float


def check_domain(classifier: Classifier, data: DataSet) -> None:
    """UserError unless the classifier's labels are the data set's."""
    if classifier.label_space.domain != data.manifest.domain:
        raise UserError(
            f"{classifier.spec} knows the labels of {classifier.label_space.domain!r}, but "
            f"{data.folder} is of {data.manifest.domain!r}; choose a model or data set to match"
        )
    outputs = len(classifier.label_space.names)
    beyond = [e.name for e in data.manifest.classes.values() if e.label >= outputs]
    if beyond:
        raise UserError(f"{classifier.spec}: has {outputs} labels, none for {', '.join(beyond)}")


def score_pictures(
    classifier: Classifier, pictures: Iterator[StoredPicture], batch_size: int
) -> list[Scored]:
    """Predict every picture, in order; only those of one batch are held in memory."""
    waiting: deque[StoredPicture] = deque()

    def images() -> Iterator[Image.Image]:
        for picture in pictures:
            waiting.append(picture)
            yield read_rgb(picture.data, f"{picture.slug}/{picture.split}/{picture.index}")

    names = classifier.label_space.names
    scored = []
    for said in predict(classifier, images(), batch_size):
        p = waiting.popleft()
        scored.append(
            Scored(
                p.sha256,
                p.slug,
                p.class_name,
                p.label,
                p.split,
                p.index,
                said.label,
                names[said.label],
                said.probability,
                float(said.probabilities[p.label]),
            )
        )
    if not scored:
        raise UserError("the data set holds no pictures to score")
    return scored


def split_scores(scored: list[Scored]) -> list[SplitScore]:
    """Top-1 shares with Wilson intervals, by class and split."""
    groups: dict[tuple[str, str], list[Scored]] = defaultdict(list)
    for item in scored:
        groups[item.slug, item.split].append(item)
    scores = []
    for (slug, split), items in sorted(groups.items()):
        hits = sum(i.predicted == i.label for i in items)
        scores.append(
            SplitScore(
                class_name=items[0].class_name,
                slug=slug,
                label=items[0].label,
                split=split,
                n=len(items),
                hits=hits,
                top1=Interval.of(wilson(hits, len(items))),
                mean_probability=float(np.mean([i.class_probability for i in items])),
            )
        )
    return scores


def hits_by_class(scored: list[Scored], split: str) -> dict[str, list[float]]:
    """1.0 for a hit, 0.0 for a miss, by class."""
    hits: dict[str, list[float]] = defaultdict(list)
    for item in scored:
        if item.split == split:
            hits[item.slug].append(float(item.predicted == item.label))
    return dict(hits)


def make_result(
    classifier: Classifier, data: DataSet, scored: list[Scored], predictions: bytes
) -> Result:
    """The result, with macro averages clustered by class."""
    splits = sorted({s.split for s in scored})
    si, generated = hits_by_class(scored, "si"), hits_by_class(scored, "generated")
    shared = sorted(set(si) & set(generated))
    gap = (
        clustered_difference({k: generated[k] for k in shared}, {k: si[k] for k in shared})
        if shared
        else None
    )
    manifest, facts = data.manifest, classifier.facts
    return Result(
        model=ModelRecord(
            spec=classifier.spec,
            label_space=classifier.label_space.name,
            transform=classifier.transform.as_data(),
            **asdict(facts),
        ),
        data=DataRecord(
            name=manifest.name,
            domain=manifest.domain,
            version=manifest.version,
            fingerprint=manifest.fingerprint(),
        ),
        scores=split_scores(scored),
        macro={s: Interval.of(clustered_mean(hits_by_class(scored, s))) for s in splits},
        generated_minus_si=Interval.of(gap) if gap else None,
        environment=environment(),
        predictions_sha256=sha256_bytes(predictions),
    )


def predictions_parquet(scored: list[Scored]) -> bytes:
    """Per-picture predictions as a parquet file's bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([asdict(s) for s in scored]), buffer)
    return buffer.getvalue()


def environment() -> dict[str, str]:
    """Versions that can move a score."""
    packages = ("spurbench", "torch", "timm", "pillow", "numpy")
    return {"python": platform.python_version(), **{p: version(p) for p in packages}}
