"""Models against one another: signs, pairs and consistency from the outputs themselves."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from spurbench.errors import UserError
from spurbench.scores.comparison import Comparison, compare
from spurbench.scores.metrics import fleiss_kappa
from spurbench.scores.statistics import clustered_mean, paired_test
from tests.core.scores.made import CLASSES, COUNTS, OUTPUT_OF, Made, made

SEEDS = (5, 6, 7)
NAMES = tuple(f"made/{seed}" for seed in SEEDS)


@pytest.fixture(scope="module")
def models() -> list[Made]:
    return [made(seed, spec=f"made/{seed}") for seed in SEEDS]


@pytest.fixture(scope="module")
def comparison(models: list[Made]) -> Comparison:
    return compare([model.predictions for model in models])


def hits(model: Made, split: str) -> dict[str, np.ndarray]:
    """By class, of the full head."""
    return {
        slug: (model.outputs[slug, split].argmax(axis=1) == OUTPUT_OF[label]).astype(float)
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
        test = paired_test({s: (one[s] - two[s]).tolist() for s in CLASSES})
        assert said.p_value == test.p_value
        assert said.difference.low == pytest.approx(test.difference.low)
        assert said.difference.high == pytest.approx(test.difference.high)
        signs.add(np.sign(expected))
    assert {-1.0, 1.0} <= signs, "values that tell"


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
