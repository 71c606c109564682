"""Foreign text in Markdown is shown as it is, whatever it holds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from spurbench.markdown import code, plain


@given(st.text())
def test_any_text_is_one_cell_of_code_or_plain_words(text: str) -> None:
    renderer = MarkdownIt("gfm-like", {"linkify": False})
    for shown in (code(text), plain(text)):
        assert "|" not in shown and len(shown.splitlines()) <= 1 and shown.count("`") in (0, 2)
        html = renderer.render(f"| a | b |\n|---|---|\n| {shown} | x |\n")
        assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {
            *("table", "thead", "tbody", "tr", "th", "td", "code"),
        }
        assert html.count("<td>") == 2


def test_by_hand() -> None:
    assert plain("micro, 64 (crop)") == "micro, 64 (crop)"
    assert plain("a_b") == "`a_b`" and plain("![x](http://e)") == "`![x](http://e)`"
    assert code("a|b`c`\nd") == "`a¦b'c' d`" and code("") == "` `"
