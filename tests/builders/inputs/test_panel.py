"""The panel's answers: in the domain's labels, a picture a row, a member a column."""

from __future__ import annotations

import math

import pytest

from spurbench.dataset.schema import PanelPrediction
from spurbench_builders.inputs.panel import (
    as_lists,
    fools_all,
    from_lists,
    panel_predictions,
    panel_summary,
)
from tests.builders.made import LABEL, Reader, marked, panel

NUMBERS = (10, 20, 30, 40, 50)
Said = list[tuple[PanelPrediction, ...]]


@pytest.fixture
def said() -> Said:
    return panel_predictions(panel(), [marked(n) for n in NUMBERS], LABEL)


def share(logit: float, outputs: int, *, top: bool) -> float:
    """Softmax of one logit among zeros: of that output, or of another."""
    return (math.exp(logit) if top else 1.0) / (math.exp(logit) + outputs - 1)


def test_every_member_says_its_label_and_the_probability_of_the_class(said: Said) -> None:
    """Also where another label, or none of the domain's, comes first."""
    assert [[p.model for p in row] for row in said] == [["made/one", "made/two"]] * 5
    labels = [[p.label for p in row] for row in said]
    assert labels == [[3, 7], [3, 3], [7, 3], [3, 3], [-1, 3]]
    expected = [
        [share(2, 3, top=one == LABEL), share(3, 4, top=two == LABEL)] for one, two in labels
    ]
    for row, numbers in zip(said, expected, strict=True):
        assert [p.probability for p in row] == pytest.approx(numbers, abs=1e-6)


def test_a_member_that_has_no_output_for_the_class_gives_it_no_probability() -> None:
    ((found,),) = panel_predictions([Reader("made/x", (7, 5), {}, 1.0)], [marked(9)], LABEL)
    assert found == PanelPrediction("made/x", 7, 0.0)


def test_pictures_keep_their_order_beyond_a_batch() -> None:
    numbers = [10 if i % 3 else 20 for i in range(130)]
    found = panel_predictions(panel(), [marked(n) for n in numbers], LABEL)
    assert [row[1].label for row in found] == [7 if n == 10 else 3 for n in numbers]
    assert panel_predictions(panel(), [], LABEL) == []


def test_all_must_be_fooled(said: Said) -> None:
    assert [fools_all(row, LABEL) for row in said] == [False, True, False, True, False]
    assert [fools_all(row, 7) for row in said] == [False] * 5
    three = [PanelPrediction("m", label, 0.5) for label in (3, 3, 7)]
    assert not fools_all(three, 3) and not fools_all(three[::-1], 3) and fools_all(three[:2], 3)


def test_the_summary_counts_by_member_and_for_all(said: Said) -> None:
    assert panel_summary(panel(), said, LABEL) == "made/one 3/5, made/two 4/5; all 2/5"
    assert panel_summary(panel(), said, 7) == "made/one 1/5, made/two 1/5; all 0/5"


def test_predictions_come_back_from_json_as_they_went(said: Said) -> None:
    stored = as_lists(said)
    first = said[0][0].probability
    assert stored[0][0] == {"model": "made/one", "label": 3, "probability": first}
    assert from_lists(stored) == said and isinstance(from_lists(stored)[0], tuple)
