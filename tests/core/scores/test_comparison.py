"""Models against one another: signs, pairs and consistency from the outputs themselves."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.stats import permutation_test, t

from spurbench.errors import UserError
from spurbench.scores.answers import Seen, answers
from spurbench.scores.comparison import Comparison, compare
from spurbench.scores.metrics import fleiss_kappa
from spurbench.scores.predictions import Predictions, decode, encode, rows_table
from spurbench.scores.significance import holm
from spurbench.scores.statistics import clustered_mean
from spurbench.scores.summary import groups
from tests.core.scores.made import CLASSES, COUNTS, OUTPUT_OF, SPACE, Made, made, record

SEEDS = (5, 6, 7)
NAMES = tuple(f"made/{seed}" for seed in SEEDS)


@pytest.fixture
def models() -> list[Made]:
    return [made(seed, spec=f"made/{seed}") for seed in SEEDS]


@pytest.fixture
def comparison(models: list[Made]) -> Comparison:
    return compare([model.predictions for model in models])


def hits(model: Made, split: str) -> dict[str, np.ndarray]:
    """By class, among the outputs that mean a label of the domain."""
    kept = sorted(OUTPUT_OF.values())
    return {
        slug: (
            model.outputs[slug, split][:, kept].argmax(axis=1) == kept.index(OUTPUT_OF[label])
        ).astype(float)
        for slug, label in CLASSES.items()
    }


def test_every_pair_and_split_once_in_order(comparison: Comparison) -> None:
    assert comparison.models == list(NAMES)
    assert [(d.first, d.second, d.split) for d in comparison.differences] == [
        (a, b, split) for a, b in combinations(NAMES, 2) for split in ("generated", "si", "val")
    ]
    assert [c.split for c in comparison.consistency] == ["generated", "si", "val"]


def test_a_difference_is_the_first_less_the_second(
    models: list[Made], comparison: Comparison
) -> None:
    signs = set()
    for said in comparison.differences:
        one, two = (hits(models[NAMES.index(n)], said.split) for n in (said.first, said.second))
        expected = float(np.mean([one[s].mean() - two[s].mean() for s in CLASSES]))
        assert said.difference.value == pytest.approx(expected)
        assert said.p_value is None and said.p_corrected is None, "three classes are too few"
        low, high = students_t([one[s] - two[s] for s in CLASSES])
        assert said.difference.low == pytest.approx(low)
        assert said.difference.high == pytest.approx(high)
        signs.add(np.sign(expected))
    assert {-1.0, 1.0} <= signs, "values that tell"
    assert comparison.classes == 3


def students_t(differences: list[np.ndarray]) -> tuple[float, float]:
    """Over classes, no narrower than the pictures alone make it with one of each sign added."""
    means = np.array([d.mean() for d in differences])
    pictures = [np.append(d, (-1, 1)).var() / len(d) for d in differences]
    count = len(means)
    variance = max(means.var(ddof=1) / count, sum(pictures) / count**2)
    half = t.ppf(0.975, count - 1) * np.sqrt(variance)
    return max(-1.0, means.mean() - half), min(1.0, means.mean() + half)


SEVEN = {f"c{k}": (k % 5, 3 + 2 * k) for k in range(7)}
"""Classes with their labels and numbers of pictures."""


def seven_classes(seed: int, lean: float) -> Predictions:
    """A model on seven classes, that leans toward each by so much."""
    rng = np.random.default_rng(seed)
    seen: list[Seen] = []
    for slug, (label, count) in SEVEN.items():
        logits = rng.normal(0, 1, (count, 9))
        logits[:, OUTPUT_OF[label]] += lean
        said = answers(torch.from_numpy(logits), [label] * count, SPACE)
        seen += [Seen(f"{i:064x}", slug, slug, label, "si", i, "", a) for i, a in enumerate(said)]
    return decode(encode(rows_table(seen), record(spec=f"made/{seed}")), "made")


def test_p_values_are_scipys_and_corrected_for_all_of_the_table() -> None:
    predictions = [seven_classes(1, 0.0), seven_classes(2, 1.0), seven_classes(3, 4.0)]
    said = compare(predictions).differences
    shares = [
        np.array([g.restricted.hits.mean() for _, g in sorted(groups(p).items())])
        for p in predictions
    ]
    expected = [
        permutation_test(
            (shares[a] - shares[b],),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            n_resamples=np.inf,
        ).pvalue
        for a, b in combinations(range(3), 2)
    ]
    assert [d.p_value for d in said] == pytest.approx(expected)
    assert min(expected) == 2 / 2**7 and max(expected) > 2 / 2**7, "values that tell"
    assert [d.p_corrected for d in said] == pytest.approx(holm(expected))
    assert said[0].p_corrected != said[0].p_value


def test_hundreds_of_models_are_compared_by_counts() -> None:
    """Every pair of 30, as each pair alone; nothing is drawn."""
    many = [seven_classes(10 + k, k / 10) for k in range(30)]
    together = {(d.first, d.second): d for d in compare(many).differences}
    assert len(together) == 435
    for a, b in ((0, 29), (3, 4), (28, 29)):
        (alone,) = compare([many[a], many[b]]).differences
        found = together[alone.first, alone.second]
        assert (found.difference, found.p_value) == (alone.difference, alone.p_value)


def test_consistency_is_of_pictures_that_every_model_takes_for_the_class(
    models: list[Made], comparison: Comparison
) -> None:
    for said in comparison.consistency:
        tables = {
            s: np.stack([hits(model, said.split)[s] for model in models], axis=1) for s in CLASSES
        }
        everyone = {s: table.all(axis=1).astype(float) for s, table in tables.items()}
        mean = np.mean([shares.mean() for shares in everyone.values()])
        assert said.fooled_by_all.value == pytest.approx(mean)
        interval = clustered_mean({s: v.tolist() for s, v in everyone.items()})
        assert said.fooled_by_all.low == pytest.approx(interval.low)
        assert said.pictures == sum(len(table) for table in tables.values())
        assert said.fleiss_kappa == pytest.approx(
            fleiss_kappa(np.concatenate(list(tables.values())))
        )


@pytest.mark.parametrize(
    "changes",
    [{"skip": (("cow", "si"),)}, {"data_version": "c2", "skip": (("ant", "val"),)}],
)
def test_models_scored_on_different_pictures_are_refused(
    models: list[Made], changes: dict[str, Any]
) -> None:
    other = made(8, spec="made/8", **changes).predictions
    with pytest.raises(UserError) as error:
        compare([models[0].predictions, models[1].predictions, other])
    version = changes.get("data_version", "c1")
    assert str(error.value) == (
        f"made/5 and made/8 were not scored on the same pictures (made c1, made {version}); score both "
        "on one data set with the same selection"
    )


@pytest.mark.parametrize("column", ["slug", "split", "index", "sha256"])
def test_pictures_are_the_same_by_class_split_place_and_bytes(
    models: list[Made], column: str
) -> None:
    own = models[1].predictions
    rows = own.table.to_pylist()
    rows[-1][column] = 99 if column == "index" else "another"
    other = replace(own, table=pa.Table.from_pylist(rows, schema=own.table.schema))
    with pytest.raises(UserError, match="were not scored on the same pictures"):
        compare([models[0].predictions, other])


def test_other_answers_and_names_of_the_same_pictures_are_compared(models: list[Made]) -> None:
    """The data sets may even have other names: only the pictures count."""
    renamed = made(6, spec="made/9", data_name="other", data_version="c7").predictions
    assert compare([models[0].predictions, renamed]).models == ["made/5", "made/9"]


def test_models_of_one_spec_are_told_apart_by_weights_and_framing() -> None:
    one = made(5, weights_sha256="0123456789" * 6 + "abcd").predictions
    two = made(6, transform={"framing": "squash", "size": 16}).predictions
    third = made(7, spec="made/y").predictions
    said = compare([one, two, third])
    assert said.models == [
        "made/x 01234567 crop8",
        "made/x 00000000 squash16",
        "made/y 00000000 crop8",
    ]
    assert (said.differences[0].first, said.differences[-1].second) == (
        said.models[0],
        said.models[2],
    )


def test_one_class_has_a_difference_but_neither_interval_nor_p_value() -> None:
    skip = tuple((slug, split) for slug, split in COUNTS if slug != "ant")
    said = compare([made(seed, skip=skip, spec=f"made/{seed}").predictions for seed in (5, 6)])
    for each in said.differences:
        assert each.p_value is None
        assert (each.difference.low, each.difference.high) == (None, None)


def test_a_comparison_needs_two(models: list[Made]) -> None:
    with pytest.raises(
        UserError, match="^a comparison needs the predictions of two models or more$"
    ):
        compare([models[0].predictions])


def equal_gaps(hits: dict[str, int], spec: str) -> Predictions:
    """A model that takes so many of each class's ten pictures for the class: the first ones."""
    seen: list[Seen] = []
    for slug, count in hits.items():
        label = CLASSES[slug]
        logits = np.zeros((10, 9))
        logits[:, OUTPUT_OF[label]] = np.where(np.arange(10) < count, 3.0, -3.0)
        said = answers(torch.from_numpy(logits), [label] * 10, SPACE)
        seen += [Seen(f"{i:064x}", slug, slug, label, "si", i, "", a) for i, a in enumerate(said)]
    return decode(encode(rows_table(seen), record(spec=spec)), "made")


@pytest.mark.parametrize("more", [0, 3, 8])
def test_equal_differences_are_as_sure_as_their_pictures_are(more: int) -> None:
    """Every class differs by as much: the interval is that of ten pictures and one of each sign."""
    less = {"ant": 1, "bee": 0, "cow": 2}
    first = equal_gaps({slug: count + more for slug, count in less.items()}, "made/1")
    (said,) = compare([first, equal_gaps(less, "made/2")]).differences
    gaps = np.array([1.0] * more + [0.0] * (10 - more))
    spread = np.append(gaps, (-1, 1)).var() / 10 / 3
    half = t.ppf(0.975, 2) * np.sqrt(spread)
    assert said.difference.value == pytest.approx(more / 10)
    assert said.difference.low == pytest.approx(max(-1, more / 10 - half))
    assert said.difference.high == pytest.approx(min(1, more / 10 + half))
