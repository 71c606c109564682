"""Reading logits: top-5, probabilities, both heads."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spurbench.contracts import LabelSpace
from spurbench.scores.answers import answers, top_columns

SMALL = LabelSpace("small", "micro", tuple("abcdefg"))
# Seven outputs of which three mean labels of the domain: output 5 label 0, 1 label 2, 2 label 1.
WIDE = LabelSpace("wide", "micro", tuple("abcdefg"), (-1, 2, 1, -1, -1, 0, -1))


@given(st.lists(st.lists(st.integers(0, 3), min_size=9, max_size=9), min_size=1, max_size=6))
@settings(deadline=None)
def test_top_columns_are_those_of_a_stable_sort(rows: list[list[int]]) -> None:
    values = torch.tensor(rows, dtype=torch.float64)
    expected = np.argsort(-values.numpy(), axis=1, kind="stable")
    for count in (1, 5, 9):
        assert np.array_equal(top_columns(values, count).numpy(), expected[:, :count])
    assert np.array_equal(top_columns(values, 1)[:, 0].numpy(), values.numpy().argmax(axis=1))


def test_full_and_restricted_heads_by_hand() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0, 0.0, 0.5, 0.0]])
    (said,) = answers(logits, [2], WIDE, keep_logits=True)
    weights = torch.softmax(logits.double(), 1)[0]
    assert (said.full.predicted, said.full.predicted_name) == (-1, "a"), "no label: never a hit"
    assert said.full.top_labels == (-1, 2, 1, 0, -1)
    assert said.full.class_probability == pytest.approx(float(weights[1]))
    assert (said.restricted.predicted, said.restricted.predicted_name) == (2, "b")
    assert said.restricted.top_labels == (2, 1, 0), "a head of three has no more"
    three = math.exp(2) / (math.exp(2) + math.exp(1) + math.exp(0.5))
    assert said.restricted.class_probability == pytest.approx(three)
    assert said.restricted.class_log_odds == pytest.approx(math.log(three / (1 - three)))
    assert said.logits == (2.0, 1.0, 0.5), "of the domain's outputs, in their order"


def test_a_head_of_the_domain_alone_reads_the_same_twice() -> None:
    (said,) = answers(torch.randn(1, 7), [3], SMALL)
    assert said.full == said.restricted and said.logits is None


def test_log_odds_do_not_saturate() -> None:
    """Probabilities of 1 in float32 still have an order."""
    logits = torch.zeros(2, 7)
    logits[0, 4], logits[1, 4] = 40, 60
    first, second = answers(logits, [4, 4], SMALL)
    assert np.float32(first.full.class_probability) == np.float32(second.full.class_probability)
    assert first.full.class_log_odds + 19 < second.full.class_log_odds


@given(st.lists(st.floats(-50, 50), min_size=7, max_size=7), st.integers(0, 6))
@settings(deadline=None)
def test_probabilities_are_softmax(row: list[float], label: int) -> None:
    (said,) = answers(torch.tensor([row], dtype=torch.float64), [label], SMALL)
    shares = torch.softmax(torch.tensor(row, dtype=torch.float64), 0)
    assert said.full.class_probability == pytest.approx(float(shares[label]))
    assert said.full.probability == pytest.approx(float(shares.max()))
    assert sum(said.full.top_probabilities) <= 1 + 1e-12
    assert list(said.full.top_probabilities) == sorted(said.full.top_probabilities, reverse=True)


def test_a_class_without_an_output_is_no_number() -> None:
    with pytest.raises(ValueError, match="no output for label 6"):
        answers(torch.zeros(1, 7), [6], WIDE)
