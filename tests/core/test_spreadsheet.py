"""What begins like a formula is a text, and every text can be had back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.spreadsheet import inert


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'x"])
def test_a_formula_gets_a_mark(text: str) -> None:
    assert inert(text) == "'" + text


@given(st.text())
def test_taking_one_mark_away_gives_the_text_back(text: str) -> None:
    found = inert(text)
    assert found[:1] not in tuple("=+-@\t\r")
    assert found.removeprefix("'") == text
