"""Label spaces: which output means which label of the domain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.contracts import LabelSpace

HEADS = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.permutations(range(n)), st.lists(st.booleans(), min_size=n, max_size=n))
)


def test_without_labels_output_i_is_label_i() -> None:
    space = LabelSpace("micro", "micro", ("a", "b", "c"))
    assert space.domain_columns() == (0, 1, 2)
    assert [space.column(i) for i in range(-1, 4)] == [None, 0, 1, 2, None]
    assert [space.domain_label(i) for i in range(3)] == [0, 1, 2]


def test_outputs_that_mean_no_label() -> None:
    space = LabelSpace("wide", "imagenet", ("x", "koala", "y", "tench"), (-1, 105, -1, 0))
    assert space.domain_columns() == (1, 3)
    assert space.column(105) == 1 and space.column(0) == 3
    assert space.column(1) is None and space.column(-1) is None
    assert [space.domain_label(i) for i in range(4)] == [-1, 105, -1, 0]


@given(HEADS)
def test_column_and_domain_label_undo_each_other(head: tuple[list[int], list[bool]]) -> None:
    labels = tuple(label if kept else -1 for label, kept in zip(*head, strict=True))
    space = LabelSpace("drawn", "made", tuple(map(str, labels)), labels)
    columns = space.domain_columns()
    assert list(columns) == sorted(columns)
    assert [space.column(space.domain_label(c)) for c in columns] == list(columns)
    rest = set(range(len(labels))) - set(columns)
    assert all(space.domain_label(c) == -1 for c in rest)


@pytest.mark.parametrize("output", [-1, 3])
def test_beyond_the_head(output: int) -> None:
    for labels in (None, (2, -1, 0)):
        with pytest.raises(IndexError, match="has no output"):
            LabelSpace("small", "made", ("a", "b", "c"), labels).domain_label(output)


@pytest.mark.parametrize("labels", [(0,), (0, 1, 2), (0, 0), (0, -2)])
def test_labels_that_cannot_be(labels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="labels"):
        LabelSpace("bad", "made", ("a", "b"), labels)
