"""YAML from outside: what grows, runs or says one thing twice is refused in one line, at once."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spurbench.errors import UserError
from spurbench.reading import DEEPEST, LONGEST_NUMBER
from spurbench_builders.recipes.plain_yaml import MOST_CHARACTERS, MOST_VALUES, parse_yaml

LAUGHS = "a0: &a0 [lol, lol]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 12)
)
HOSTILE = {
    "an alias bomb": (LAUGHS, "stands for more than"),
    "a merge bomb": (MERGES, "stands for more than"),
    "itself within itself": ("a: &a [*a]", "an alias stands within what it stands for"),
    "a merge of itself": ("a: &a {<<: *a}", "an alias stands within what it stands for"),
    "depth": ("[" * 5000, "nested too deeply"),
    "some depth": ("[" * 100 + "]" * 100, "nested more than 64 levels deep"),
    "a date that is none": ("a: 2024-13-45", "month must be in 1..12"),
    "digits": (f"a: {'9' * 5000}", "a number of 5000 digits"),
    "a key twice": ("a: 1\nb: 2\na: 3", "the key 'a' stands twice"),
    "a key twice below": ("b: {a: 1, a: 2}", "the key 'a' stands twice"),
    "code": ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    "a tag that does not fit": ("a: !!bool maybe", "maybe"),
    "a list as a key": ("{[a]: 1}", "unhashable key"),
    "a tab": ("a:\n\tb: 1", "found character"),
    "a NUL": ("a: \0", "special characters are not allowed"),
    "an open quote": ("a: 'x", "found unexpected end of stream"),
    "two documents": ("a: 1\n---\nb: 2", "expected a single document"),
    "a novel": ("#" * (MOST_CHARACTERS + 1), "characters are more than it can have"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_refused(kind: str) -> None:
    text, said = HOSTILE[kind]
    with pytest.raises(UserError) as error:
        parse_yaml(text, "r.yaml")
    shown = str(error.value)
    assert shown.startswith("r.yaml: ") and said in shown and "XX" not in shown
    assert "\n" not in shown and len(shown) < 400


def listed(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("fits", "too_much", "said"),
    [
        # A list of n stands for n + 1 values; the outermost of d lists has d - 1 levels below it.
        (f"[{', '.join(['1'] * (MOST_VALUES - 1))}]", f"[{', '.join(['1'] * MOST_VALUES)}]", "than 10000"),
        (listed(DEEPEST + 1), listed(DEEPEST + 2), "more than 64 levels deep"),
        ("9" * LONGEST_NUMBER, "9" * (LONGEST_NUMBER + 1), "a number of 101 digits"),
        ("#" * MOST_CHARACTERS, "#" * (MOST_CHARACTERS + 1), "65537 characters"),
    ],
    ids=["values", "levels", "digits", "characters"],
)  # fmt: skip
def test_the_largest_that_is_read(fits: str, too_much: str, said: str) -> None:
    assert parse_yaml(fits, "x") == yaml.safe_load(fits)
    with pytest.raises(UserError, match=said):
        parse_yaml(too_much, "x")


def test_an_alias_counts_as_often_as_it_stands() -> None:
    many = ", ".join(["*a"] * 9)
    nine = f"x: &a [{', '.join(['1'] * 990)}]\ny: [{many}]"
    assert parse_yaml(nine, "x")["y"] == [[1] * 990] * 9
    with pytest.raises(UserError, match="stands for more than 10000 values"):
        parse_yaml(nine.replace("y: [", "y: [*a, "), "x")


def test_a_key_beside_a_merge_or_a_list_is_no_other_key() -> None:
    text = "a: &a {x: 1}\nb: &b {y: 1}\nc: {<<: *a, x: 2, y: 3}\nd: {<<: *a, <<: *b}"
    assert parse_yaml(text, "x") == yaml.safe_load(text)


def test_a_long_reason_is_cut() -> None:
    with pytest.raises(UserError) as error:
        parse_yaml(f"!!python/{'x' * 2000} 1", "x")
    assert len(str(error.value)) == len("x: not YAML: ") + 300


def test_aliases_and_merges_of_a_sensible_size() -> None:
    text = "a: &a {x: 1, y: [1, 2]}\nb: *a\nc: {<<: *a, x: 2}\n"
    assert parse_yaml(text, "x") == yaml.safe_load(text)
    assert parse_yaml("", "x") is None


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**62), 2**62)
        | st.text("abc: -#'\"é", max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_all_else_is_read_as_pyyaml_reads_it(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assert parse_yaml(text, "x") == value
