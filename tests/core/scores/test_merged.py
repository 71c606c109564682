"""The reading that counts a kind of a class as the class, from probabilities added up by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from spurbench.contracts import LabelSpace
from spurbench.scores.answers import answers

# Outputs: 0 tool (none), 1 lion (label 2), 2 lioness (a lion), 3 cub (a lion), 4 koala (label 0),
# 5 a kind of label 7, which has no output here.
NAMES = ("tool", "lion", "lioness", "cub", "koala", "stray")
SPACE = LabelSpace("made", "imagenet", NAMES, (-1, 2, -1, -1, 0, -1), (-1, -1, 2, 2, -1, 7))
OF_LION, OF_KOALA = [1, 2, 3], [4]


def test_kinds_add_up() -> None:
    logits = np.array([[1.0, 0.2, 0.9, 0.8, 1.4, -3.0]])
    (lion,) = answers(torch.from_numpy(logits), [2], SPACE)
    p = softmax(logits[0])
    share = p[OF_LION].sum()
    assert p.argmax() == 4 and share > p[4], "alone the koala wins, together the lions do"
    assert lion.full.predicted == 0 and lion.restricted.predicted == 0
    assert lion.merged is not None and lion.merged.predicted == 2
    assert lion.merged.class_log_odds == pytest.approx(np.log(share / (1 - share)))


def test_an_output_that_is_no_kind_stays_none() -> None:
    for best, predicted in ((0, -1), (5, -1), (3, 2), (4, 0)):
        logits = torch.zeros(1, 6, dtype=torch.float64)
        logits[0, best] = 5
        (answer,) = answers(logits, [0], SPACE)
        assert answer.merged is not None and answer.merged.predicted == predicted


def test_logits_may_be_large() -> None:
    """Far above what exp can hold twice over."""
    for best, predicted in ((0, -1), (4, 0), (2, 2)):
        logits = torch.full((1, 6), 699.0, dtype=torch.float64)
        logits[0, best] = 705
        (answer,) = answers(logits, [0], SPACE)
        assert answer.merged is not None and answer.merged.predicted == predicted


def test_it_says_nothing_where_no_output_is_a_kind() -> None:
    plain = LabelSpace("made", "imagenet", NAMES, (-1, 2, -1, -1, 0, -1))
    foreign = LabelSpace("made", "imagenet", NAMES, plain.labels, (-1, -1, -1, -1, -1, 7))
    for space in (plain, foreign):
        assert space.merged_labels() is None
        assert answers(torch.zeros(2, 6), [2, 0], space)[0].merged is None
    assert SPACE.merged_labels() == (-1, 2, 2, 2, 0, -1)


@given(arrays(np.float64, (3, 6), elements=st.floats(-400, 400)))
@settings(max_examples=50, deadline=None)
def test_merging_only_adds_to_a_class(logits: np.ndarray) -> None:
    """However far apart the logits are, log odds are finite and never below those of the full head."""
    for answer in answers(torch.from_numpy(logits), [2, 0, 2], SPACE):
        assert answer.merged is not None
        assert np.isfinite(answer.merged.class_log_odds)
        assert answer.merged.class_log_odds >= answer.full.class_log_odds - 1e-9
    koala = answers(torch.from_numpy(logits), [0, 0, 0], SPACE)
    for answer in koala:
        assert answer.merged is not None
        assert answer.merged.class_log_odds == pytest.approx(answer.full.class_log_odds)


@pytest.mark.parametrize("kinds", [(-1, 2), (-2, -1, -1, -1, -1, -1)])
def test_kinds_are_labels_of_outputs(kinds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="its kinds are not a label or -1 for each output"):
        LabelSpace("made", "imagenet", NAMES, SPACE.labels, kinds)
