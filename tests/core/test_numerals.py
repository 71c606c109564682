"""Numbers as people write them: plain digits within bounds, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.errors import UserError
from spurbench.numerals import MOST, index, number, whole, whole_option, words


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


def test_bounds_are_within() -> None:
    assert [whole(text, "--n", 1, 4) for text in ("1", "4")] == [1, 4]
    assert whole("0", "--n") == 0 and whole(str(MOST), "--n") == MOST
    for value, shown in (("5", "'5'"), (5, "5"), ("0", "'0'")):
        with pytest.raises(UserError) as error:
            whole(value, "--n", 1, 4)
        assert str(error.value) == f"--n {shown}: give a whole number from 1 to 4"
    with pytest.raises(UserError) as error:
        whole("-1", "--n")
    assert str(error.value) == "--n '-1': give a whole number from 0 to 1,000,000,000"


def test_an_option_reads_whole_numbers_within_its_bounds() -> None:
    option = whole_option("--images", 2, 40, "Pictures.", "Size")
    # In an annotation, Typer takes the first word for the name although it calls it the default.
    assert (option.default, option.param_decls, option.metavar) == ("--images", (), "N")
    assert (option.help, option.rich_help_panel) == ("Pictures. (2 to 40)", "Size")
    assert [option.parser(text) for text in ("2", 3, "40")] == [2, 3, 40]
    for text in ("1", "41", "x"):
        with pytest.raises(UserError) as error:
            option.parser(text)
        assert str(error.value) == f"--images '{text}': give a whole number from 2 to 40"
    for most, shown in ((MOST, "Steps."), (MOST - 1, "Steps. (1 to 999,999,999)")):
        without = whole_option("--steps", 1, most, "Steps.")
        assert (without.help, without.rich_help_panel) == (shown, None)


@given(st.floats(0, 1e6, allow_subnormal=False))
def test_a_number_is_read_as_it_is_written(value: float) -> None:
    assert number(f"{value:.17e}", "--k") == value
    assert number(f"{value:.6f}", "--k") == float(f"{value:.6f}")


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1e999", "-1", "1,5", "٣", "1_0", "2000"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(UserError) as error:
        number(text, "--k", 0, 1000)
    assert str(error.value) == f"--k {text!r}: give a number from 0 to 1,000"
    assert [number(t, "--k", 0, 1000) for t in ("1", ".5", "5.", "1e3")] == [1, 0.5, 5, 1000]


def test_indices_and_words() -> None:
    assert [index(text, 7) for text in ("0", "7", "07", "8", "-1", "", "x", "²", "٣", "9" * 99)] == [
        0, 7, 7, None, None, None, None, None, None, None,
    ]  # fmt: skip
    assert index(str(MOST), MOST) is None, "more than nine digits are no index"
    assert words(" a, ,b c ,") == ["a", "b c"]
