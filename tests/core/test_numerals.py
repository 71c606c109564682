"""Numbers as people write them: plain digits within bounds, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.errors import UserError
from spurbench.numerals import MOST, index, number, whole, words


@given(st.integers(-50, 150))
def test_a_whole_number_within_its_bounds(value: int) -> None:
    for text in (value, str(value), f" {value} ", f"{value:+d}"):
        if 3 <= value <= 120:
            assert whole(text, "--n", 3, 120) == value
        else:
            with pytest.raises(UserError, match="give a whole number from 3 to 120"):
                whole(text, "--n", 3, 120)


NONE = [
    "",
    "x",
    "1.0",
    "1e3",
    "1_0",
    "٣",
    "²",
    "0x1",
    "1 0",
    "--1",
    "nan",
    "9" * 5000,
    "1" + "0" * 30,
]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(UserError) as error:
        whole(text, "--limit", 1)
    said = str(error.value)
    assert said.startswith("--limit '") and said.endswith(
        "give a whole number from 1 to 1,000,000,000"
    )
    assert len(said) < 200


@given(st.floats(0, 1e6, allow_subnormal=False))
def test_a_number_is_read_as_it_is_written(value: float) -> None:
    assert number(f"{value:.17e}", "--k") == value
    assert number(f"{value:.6f}", "--k") == float(f"{value:.6f}")


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1e999", "-1", "1,5", "٣", "1_0", "2000"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(UserError, match="give a number from 0 to 1,000"):
        number(text, "--k", 0, 1000)
    assert [number(t, "--k", 0, 1000) for t in ("1", ".5", "5.", "1e3")] == [1, 0.5, 5, 1000]


def test_indices_and_words() -> None:
    assert [index(text, 7) for text in ("0", "7", "07", "8", "-1", "", "x", "²", "9" * 99)] == [
        0, 7, 7, None, None, None, None, None, None,
    ]  # fmt: skip
    assert index(str(MOST), MOST) is None, "more than nine digits are no index"
    assert words(" a, ,b c ,") == ["a", "b c"]
