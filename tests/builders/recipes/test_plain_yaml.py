"""YAML from outside: what grows, runs or says one thing twice is refused in one line, at once."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spurbench.errors import UserError
from spurbench_builders.recipes.plain_yaml import MOST_CHARACTERS, parse_yaml

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
    assert shown.startswith("r.yaml: ") and said in shown
    assert "\n" not in shown and len(shown) < 400


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
