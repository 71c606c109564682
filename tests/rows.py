"""Rows of tables that say which test sees a thing's effect: the tests that they name must be there."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.conftest import ROOT

NOT_BY_DEFAULT = ("slow", "beside", "diffusers_script", "mount", "robustbench", "browser")


def source_of(node: str) -> str:
    """A test's own text, decorators and all, by FILE::NAME under tests/. LookupError where pytest
    would not collect it, or would not run it by default."""
    file, _, name = node.partition("::")
    lines, tests = _tests(file)
    if name not in tests:
        raise LookupError(f"{node}: no such test")
    begin, end = tests[name]
    text = "\n".join(lines[begin - 1 : end])
    if any(f"pytest.mark.{mark}" in text for mark in NOT_BY_DEFAULT):
        raise LookupError(f"{node}: is not run by default")
    return text


def mentions(text: str, word: str) -> bool:
    """Whether the text has the word by itself, not as a part of a longer one."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


@cache
def _tests(file: str) -> tuple[list[str], dict[str, tuple[int, int]]]:
    """A test file's lines, and the first and last line of each of its tests."""
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            begin = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found[node.name] = (begin, node.end_lineno or begin)
    return text.splitlines(), found
