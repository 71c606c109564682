"""From a predictions file to a result: every number computed again from the outputs, in numpy,
scipy and scikit-learn, on classes of different counts and a head that permutes the labels."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, roc_auc_score

from spurbench.contracts import LabelSpace
from spurbench.results import HeadScore, Interval, Means, Result
from spurbench.scores.answers import Seen, answers
from spurbench.scores.predictions import Predictions, decode, encode, rows_table
from spurbench.scores.statistics import Estimate, clustered_difference, clustered_mean
from spurbench.scores.summary import finite, groups, result_of
from tests.core.scores.made import CLASSES, COUNTS, OUTPUT_OF, SPACE, Made, made, record

LABEL_OF = {output: label for label, output in OUTPUT_OF.items()}
HEADS = {"full": list(range(9)), "restricted": sorted(OUTPUT_OF.values())}


@pytest.fixture
def model() -> Made:
    return made(5)


@pytest.fixture
def result(model: Made) -> Result:
    return result_of(model.predictions)


class Expected:
    """A head's reading of a class and split, from its outputs (n, 9)."""

    def __init__(self, outputs: np.ndarray, label: int, head: str) -> None:
        kept = HEADS[head]
        values, own = outputs[:, kept], kept.index(OUTPUT_OF[label])
        order = np.argsort(-values, axis=1, kind="stable")
        self.best = [kept[i] for i in order[:, 0]]
        self.hits = order[:, 0] == own
        self.hits5 = (order[:, :5] == own).any(axis=1)
        self.p = softmax(values, axis=1)[:, own]
        self.odds = log_softmax(values, axis=1)[:, own] - np.log1p(-self.p)


def head_of(result: Result, slug: str, split: str, head: str) -> HeadScore:
    score = next(s for s in result.scores if (s.slug, s.split) == (slug, split))
    if head == "full":
        return score
    assert score.restricted is not None
    return score.restricted


def same(interval: Interval | None, estimate: Estimate) -> None:
    assert interval is not None
    expected = (estimate.value, estimate.low, estimate.high)
    assert (interval.value, interval.low, interval.high) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("slug", "split"), COUNTS)
def test_a_class_and_split(model: Made, result: Result, slug: str, split: str, head: str) -> None:
    expected = Expected(model.outputs[slug, split], CLASSES[slug], head)
    said, n, hits = (
        head_of(result, slug, split, head),
        COUNTS[slug, split],
        int(expected.hits.sum()),
    )
    assert said.hits == hits
    interval = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    same(said.top1, Estimate(hits / n, interval.low, interval.high))
    five = int(expected.hits5.sum())
    interval = binomtest(five, n).proportion_ci(0.95, method="wilson")
    same(said.top5, Estimate(five / n, interval.low, interval.high))
    assert said.mean_probability == pytest.approx(float(expected.p.mean()), abs=1e-6)
    wrong = Counter(b for b, hit in zip(expected.best, expected.hits, strict=True) if not hit)
    counted = sorted(
        ((SPACE.names[o], LABEL_OF.get(o, -1), c) for o, c in wrong.items()),
        key=lambda w: (-w[2], w[0]),
    )
    assert [(w.name, w.label, w.pictures) for w in said.wrong] == counted[:5]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("slug", CLASSES)
@pytest.mark.parametrize("split", ["generated", "si"])
def test_separation_from_validation_pictures(
    model: Made, result: Result, slug: str, split: str, head: str
) -> None:
    said = head_of(result, slug, split, head)
    positive = Expected(model.outputs[slug, "val"], CLASSES[slug], head).odds
    negative = Expected(model.outputs[slug, split], CLASSES[slug], head).odds
    truth = [1] * len(positive) + [0] * len(negative)
    scores = np.concatenate([positive, negative])
    weights = [0.4 / len(positive)] * len(positive) + [0.6 / len(negative)] * len(negative)
    precision = average_precision_score(truth, scores, sample_weight=weights)
    assert said.average_precision == pytest.approx(precision)
    assert said.roc_auc == pytest.approx(roc_auc_score(truth, scores))


def test_the_values_tell(result: Result) -> None:
    """Neither all 0 nor all 1, no two classes alike, the heads differ, precision is not the AUC."""
    shares = [s.hits / s.n for s in result.scores]
    assert len(set(shares)) >= 5 and 0 < sum(shares) < len(shares)
    assert any(s.restricted and s.restricted.hits != s.hits for s in result.scores)
    assert all(s.average_precision != s.roc_auc for s in result.scores if s.split != "val")
    assert all(s.hits != round(s.top5.value * s.n) for s in result.scores[:1] if s.top5)


def test_validation_pictures_are_not_told_from_themselves(result: Result) -> None:
    for score in result.scores:
        assert (score.average_precision is None) == (score.split == "val")
        assert (score.roc_auc is None) == (score.split == "val")


def test_names_labels_and_counts(result: Result) -> None:
    assert [(s.slug, s.split, s.n) for s in result.scores] == [(*k, n) for k, n in COUNTS.items()]
    assert {(s.slug, s.class_name, s.label) for s in result.scores} == {
        (slug, f"the {slug}", label) for slug, label in CLASSES.items()
    }


def means_of(result: Result, split: str, head: str) -> Means:
    means = result.means[split]
    if head == "full":
        return means
    assert means.restricted is not None
    return means.restricted


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("split", ["generated", "si", "val"])
def test_means_over_classes(model: Made, result: Result, split: str, head: str) -> None:
    said = means_of(result, split, head)
    known = {s: Expected(model.outputs[s, split], label, head) for s, label in CLASSES.items()}
    for mean, values in [
        (said.top1, {s: e.hits for s, e in known.items()}),
        (said.top5, {s: e.hits5 for s, e in known.items()}),
        (said.mean_probability, {s: e.p for s, e in known.items()}),
    ]:
        assert mean is not None
        assert mean.value == pytest.approx(np.mean([v.mean() for v in values.values()]), abs=1e-6)
        same(mean, clustered_mean({s: v.astype(float).tolist() for s, v in values.items()}))
    if split == "val":
        assert said.average_precision is None and said.roc_auc is None
        return
    for name in ("average_precision", "roc_auc"):
        each = [getattr(head_of(result, slug, split, head), name) for slug in CLASSES]
        mean = getattr(said, name)
        assert mean.value == pytest.approx(np.mean(each))
        pictures = sum(COUNTS[slug, s] for slug in CLASSES for s in (split, "val"))
        clusters = {slug: [v] for slug, v in zip(CLASSES, each, strict=True)}
        same(mean, clustered_mean(clusters, pictures=pictures))


@pytest.mark.parametrize("head", HEADS)
def test_the_gap_is_generated_minus_references(model: Made, result: Result, head: str) -> None:
    hits = {
        split: {
            s: Expected(model.outputs[s, split], label, head).hits.astype(float).tolist()
            for s, label in CLASSES.items()
        }
        for split in ("generated", "si")
    }
    gap = result.generated_minus_si if head == "full" else result.restricted_generated_minus_si
    assert gap is not None
    by_class = [np.mean(hits["generated"][s]) - np.mean(hits["si"][s]) for s in CLASSES]
    assert gap.value == pytest.approx(np.mean(by_class)) and gap.value != 0
    same(gap, clustered_difference(hits["generated"], hits["si"]))


def test_only_classes_with_both_splits_enter_the_gap(model: Made) -> None:
    part = made(5, skip=(("bee", "si"), ("cow", "generated")))
    gap = result_of(part.predictions).generated_minus_si
    shares = [
        Expected(part.outputs["ant", split], CLASSES["ant"], "full").hits.mean()
        for split in ("generated", "si")
    ]
    assert gap is not None and (gap.low, gap.high) == (None, None), "one class, no interval"
    assert gap.value == pytest.approx(shares[0] - shares[1])
    none = made(5, skip=tuple((slug, "si") for slug in CLASSES))
    assert result_of(none.predictions).generated_minus_si is None


def test_a_class_without_validation_pictures_has_no_separation_and_enters_no_mean() -> None:
    part = result_of(made(5, skip=(("bee", "val"),)).predictions)
    said = {s.slug: s.roc_auc for s in part.scores if s.split == "si"}
    assert said["bee"] is None and said["ant"] is not None and said["cow"] is not None
    mean = part.means["si"].roc_auc
    assert mean is not None and mean.value == pytest.approx((said["ant"] + said["cow"]) / 2)
    alone = result_of(made(5, skip=tuple((slug, "val") for slug in CLASSES)).predictions)
    assert alone.means["si"].roc_auc is None and alone.means["si"].average_precision is None


def test_spurious_imagenets_own_score_is_told_of_its_own_pictures_only(result: Result) -> None:
    assert all(score.spurious_score is None for score in result.scores)
    assert all(means.spurious_score is None for means in result.means.values())
    own = result_of(of_counts({("ant", "si"): 75, ("ant", "val"): 50, ("bee", "si"): 75}))
    said = {(s.slug, s.split): s for s in own.scores}
    score = said["ant", "si"].spurious_score
    assert score is not None and 0.4 < score < 1
    assert score == pytest.approx(said["ant", "si"].average_precision)
    assert said["bee", "si"].spurious_score is None and said["ant", "val"].spurious_score is None
    assert own.means["si"].spurious_score is None, "not of every class"
    every = {(slug, split): n for slug in ("ant", "bee") for split, n in (("si", 75), ("val", 50))}
    whole = result_of(of_counts(every))
    each = [s.spurious_score for s in whole.scores if s.split == "si"]
    mean = whole.means["si"].spurious_score
    assert mean is not None and mean.value == pytest.approx(np.mean(np.array(each, float)))
    same(mean, clustered_mean({str(i): [v] for i, v in enumerate(each) if v}, pictures=250))


def of_counts(counts: dict[tuple[str, str], int]) -> Predictions:
    """Predictions of pictures in such numbers, the validation pictures leaning to their class."""
    rng = np.random.default_rng(8)
    seen: list[Seen] = []
    for (slug, split), count in counts.items():
        logits = rng.normal(0, 1, (count, 9))
        logits[:, OUTPUT_OF[CLASSES[slug]]] += 2.0 if split == "val" else 1.0
        said = answers(torch.from_numpy(logits), [CLASSES[slug]] * count, SPACE)
        seen += [
            Seen(f"{i:064x}", slug, slug, CLASSES[slug], split, i, "", a)
            for i, a in enumerate(said)
        ]
    return decode(encode(rows_table(seen), record()), "made")


def test_kinds_of_a_class_count_as_the_class_in_the_merged_reading() -> None:
    """Outputs 1 and 3 are kinds of label 2 (output 8): hits and log odds by summed probabilities."""
    kinds = (-1, 2, -1, 2, -1, -1, -1, -1, -1)
    space = LabelSpace("made", "micro", SPACE.names, SPACE.labels, kinds)
    rng = np.random.default_rng(3)
    outputs = {split: rng.normal(0, 2, (n, 9)) for split, n in (("si", 30), ("val", 20))}
    seen = [
        Seen(f"{i:064x}", "ant", "ant", 2, split, i, "", a)
        for split, values in outputs.items()
        for i, a in enumerate(answers(torch.from_numpy(values), [2] * len(values), space))
    ]
    result = result_of(decode(encode(rows_table(seen), record()), "made"))
    shares = {}
    for split, values in outputs.items():
        p = softmax(values, axis=1)
        merged = np.delete(p, [1, 3], axis=1)
        merged[:, 6] = p[:, [1, 3, 8]].sum(axis=1)  # output 8 has moved to place 6
        shares[split] = merged
    hits = int((shares["si"].argmax(axis=1) == 6).sum())
    said = {s.split: s for s in result.scores}
    assert said["si"].merged is not None and said["si"].merged.hits == hits
    assert said["si"].hits < hits < 30, "values that tell"
    own = {split: p[:, 6] for split, p in shares.items()}
    assert said["si"].merged.mean_probability == pytest.approx(own["si"].mean(), abs=1e-6)
    area = roc_auc_score([1] * 20 + [0] * 30, np.concatenate([own["val"], own["si"]]))
    assert said["si"].merged.roc_auc == pytest.approx(area)
    assert said["si"].merged.top5 is None and said["si"].merged.wrong == []
    means = result.means["si"].merged
    assert means is not None and means.top1.value == hits / 30 and means.top5 is None


def test_what_the_result_says_of_itself(model: Made, result: Result) -> None:
    provenance = model.predictions.provenance
    assert result.prevalence == 0.4 and result.schema_version == 3
    assert (result.model, result.data) == (provenance.model, provenance.data)
    assert result.environment == {"dtype": "float32", "torch": "2.0"}
    assert result.predictions_sha256 == model.predictions.sha256
    assert result.macro == {split: means.top1 for split, means in result.means.items()}


def test_pictures_come_in_the_order_of_their_index(model: Made) -> None:
    for (slug, split), group in groups(model.predictions).items():
        expected = Expected(model.outputs[slug, split], CLASSES[slug], "full")
        assert group.full.hits.tolist() == expected.hits.tolist()
        assert group.full.log_odds == pytest.approx(expected.odds, abs=1e-4)


def test_no_number_becomes_none() -> None:
    assert finite(float("nan")) is None and finite(-0.25) == -0.25
